import { GMAIL_FILE, PORT, baseEnv, smtpEnv } from './env'
import { OWN, USER, mounts } from './command'
import { emptyStore, storeJson } from './fileModels/store.json'
import { apiAnswers, heartbeat, ready } from './health'
import { i18n } from './i18n'
import { sdk } from './sdk'

// The worker lets running jobs finish before it stops.
const DRAIN_MS = 60_000
const PUT_KEY = `umask 077 && mkdir -p /run/crm && printf %s "$KEY" > ${GMAIL_FILE} && chown -R ${USER}:${USER} /run/crm`

export const main = sdk.setupMain(async ({ effects }) => {
  const store = (await storeJson.read().const(effects)) ?? emptyStore()
  const env = { ...(await baseEnv(effects, store)), ...(await smtpEnv(effects, store.smtp)) }
  const sub = sdk.SubContainer.of(effects, { imageId: 'crm' }, mounts(), 'crm')
  return sdk.Daemons.of(effects)
    .addOneshot('own', { subcontainer: sub, exec: { command: ['sh', '-c', OWN[2]] }, requires: [] })
    .addOneshot('gmail-key', {
      subcontainer: sub,
      exec: store.gmailKey
        ? { command: ['sh', '-c', PUT_KEY], env: { KEY: store.gmailKey } }
        : { command: ['true'] },
      requires: ['own'],
    })
    .addOneshot('migrate', {
      subcontainer: sub,
      exec: { command: ['crm-api', 'migrate'], env, user: USER },
      requires: ['own', 'gmail-key'],
    })
    .addDaemon('api', {
      subcontainer: sub,
      exec: { command: ['crm-api', 'serve'], env, user: USER, sigtermTimeout: DRAIN_MS },
      ready: { display: i18n('Web interface'), fn: () => apiAnswers(PORT), gracePeriod: 30_000 },
      requires: ['migrate'],
    })
    .addDaemon('worker', {
      subcontainer: sub,
      exec: { command: ['crm-worker', 'run'], env, user: USER, sigtermTimeout: DRAIN_MS },
      ready: {
        display: i18n('Background worker'),
        fn: () => heartbeat(() => sub.exec(['crm-worker', 'healthcheck'], { env, user: USER })),
        gracePeriod: 30_000,
      },
      requires: ['migrate'],
    })
    .addHealthCheck('ready', {
      ready: { display: i18n('Everything in order'), fn: () => ready(PORT), gracePeriod: 60_000 },
      requires: ['api', 'worker'],
    })
})
