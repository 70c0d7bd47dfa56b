// StartOS 0.4 does not hold input to a form's patterns: every action checks here.

export function httpsOrigin(text: string): string {
  const url = parse(text)
  if (url.protocol !== 'https:') throw new Error('The address must start with https://')
  if (url.username || url.password) throw new Error('The address must not hold a password.')
  if (url.pathname !== '/' || url.search || url.hash)
    throw new Error('Leave out everything after the host name, such as /login.')
  return url.origin
}

export function webUrl(text: string): string {
  const url = parse(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Error('The address must start with http:// or https://')
  if (url.username || url.password) throw new Error('The address must not hold a password.')
  return url.href.replace(/\/$/, '')
}

function parse(text: string): URL {
  const trimmed = text.trim()
  if (!URL.canParse(trimmed)) throw new Error('That is not a complete address.')
  return new URL(trimmed)
}

export function email(text: string): string {
  const trimmed = text.trim()
  if (trimmed.length > 254 || !/^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$/.test(trimmed))
    throw new Error('That is not an email address.')
  return trimmed
}

export function personName(text: string): string {
  const trimmed = text.trim()
  if (!trimmed || trimmed.length > 100 || trimmed.startsWith('-'))
    throw new Error('Give a name of at most 100 characters.')
  return trimmed
}

export function gmailKey(text: string): string {
  let key: unknown
  try {
    key = JSON.parse(text)
  } catch {
    throw new Error('That is not the JSON file that Google gave you.')
  }
  const field = (name: string): unknown =>
    typeof key === 'object' && key !== null ? Reflect.get(key, name) : undefined
  if (field('type') !== 'service_account')
    throw new Error('The key must be one of a service account ("type": "service_account").')
  for (const name of ['client_email', 'private_key']) {
    const value = field(name)
    if (typeof value !== 'string' || !value) throw new Error(`The key lacks "${name}".`)
  }
  return JSON.stringify(key)
}
