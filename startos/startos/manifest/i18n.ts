export const short = {
  en_US: 'Your fund’s investors, pipeline and commitments, on your own server',
  de_DE: 'Investoren, Pipeline und Zusagen Ihres Fonds, auf Ihrem eigenen Server',
  es_ES: 'Los inversores, el avance y los compromisos de su fondo, en su propio servidor',
  fr_FR: 'Les investisseurs, le suivi et les engagements de votre fonds, sur votre serveur',
  pl_PL: 'Inwestorzy, lejek i zobowiązania Twojego funduszu, na Twoim serwerze',
}

export const long = {
  en_US:
    'Venture CRM replaces Airtable for a venture fund that is raising: a quick shared grid, a pipeline, a ledger of commitments, notes, tasks, and backups that are read back before they count. Nothing leaves your server unless you connect it.',
  de_DE:
    'Venture CRM ersetzt Airtable für einen Fonds beim Fundraising: eine schnelle gemeinsame Tabelle, Pipeline, Zusagen, Notizen, Aufgaben und geprüfte Backups. Nichts verlässt Ihren Server, solange Sie nichts verbinden.',
  es_ES:
    'Venture CRM sustituye a Airtable para un fondo en captación: una tabla compartida y rápida, el avance, los compromisos, notas, tareas y copias verificadas. Nada sale de su servidor si usted no lo conecta.',
  fr_FR:
    'Venture CRM remplace Airtable pour un fonds en levée : une grille partagée rapide, le suivi, les engagements, des notes, des tâches et des sauvegardes vérifiées. Rien ne quitte votre serveur sans votre accord.',
  pl_PL:
    'Venture CRM zastępuje Airtable funduszowi zbierającemu kapitał: szybka wspólna tabela, lejek, zobowiązania, notatki, zadania i sprawdzone kopie. Nic nie opuszcza serwera, dopóki tego nie połączysz.',
}

export const sparkDescription = {
  en_US: 'Optional: a language model on your own hardware.',
  de_DE: 'Optional: ein Sprachmodell auf Ihrer eigenen Hardware.',
  es_ES: 'Opcional: un modelo de lenguaje en su propio equipo.',
  fr_FR: 'Facultatif : un modèle de langage sur votre propre matériel.',
  pl_PL: 'Opcjonalnie: model językowy na własnym sprzęcie.',
}
