import type { T } from '@start9labs/start-sdk'
import type { Store } from './fileModels/store.json'
import { sdk } from './sdk'

export const PORT = 8080
export const GMAIL_FILE = '/run/crm/gmail.json'
export type Env = Record<string, string>

/** What both programs, and every command run beside them, are told. */
export async function baseEnv(effects: T.Effects, store: Store): Promise<Env> {
  return {
    CRM_ENV: 'production',
    CRM_DATA_DIR: '/data',
    CRM_BIND: `0.0.0.0:${PORT}`,
    // Until an address is chosen, production accepts only this machine itself.
    CRM_BASE_URL: store.baseUrl || `http://127.0.0.1:${PORT}`,
    CRM_SECRET_KEY: store.secretKey,
    CRM_TRUSTED_PROXIES: await effects.getOsIp(),
    CRM_LOG_FORMAT: 'text',
    ...(store.gmailKey && { CRM_GMAIL_CREDENTIALS: GMAIL_FILE }),
    ...(store.sparkUrl && { SPARK_URL: store.sparkUrl }),
    ...(store.sparkUrl && store.sparkModel && { SPARK_MODEL: store.sparkModel }),
  }
}

export async function smtpEnv(effects: T.Effects, smtp: Store['smtp']): Promise<Env> {
  if (smtp.selection === 'system') {
    const system = await sdk.getSystemSmtp(effects).const()
    if (!system) return {}
    return variables({ ...system, from: smtp.value.customFrom || system.from })
  }
  if (smtp.selection === 'custom') {
    const { host, from, username, password, security } = smtp.value.provider.value
    return variables({
      host,
      from,
      username,
      password: password ?? null,
      port: Number(security.value.port),
      security: security.selection,
    })
  }
  return {}
}

function variables(smtp: T.SmtpValue): Env {
  return {
    SMTP_HOST: smtp.host,
    SMTP_PORT: String(smtp.port),
    SMTP_USER: smtp.username,
    ...(smtp.password && { SMTP_PASS: smtp.password }),
    SMTP_FROM: smtp.from,
    SMTP_SECURITY: smtp.security,
  }
}
