import { IMPOSSIBLE, VersionGraph, VersionInfo } from '@start9labs/start-sdk'

// The database migrates itself when the service starts, after a verified backup.
// A newer database cannot be read by an older program: there is no way down.
export const current = VersionInfo.of({
  version: '0.1.0:0',
  releaseNotes: {
    en_US: 'First release for StartOS.',
    de_DE: 'Erste Ausgabe für StartOS.',
    es_ES: 'Primera versión para StartOS.',
    fr_FR: 'Première version pour StartOS.',
    pl_PL: 'Pierwsze wydanie dla StartOS.',
  },
  migrations: { up: async () => {}, down: IMPOSSIBLE },
})

export const versions = VersionGraph.of({ current, other: [] })
