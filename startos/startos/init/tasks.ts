import type { T } from '@start9labs/start-sdk'
import { setAdmin } from '../actions/setAdmin'
import { setPrimaryUrl } from '../actions/setPrimaryUrl'
import { emptyStore, storeJson } from '../fileModels/store.json'
import { i18n } from '../i18n'
import { sdk } from '../sdk'

/** Secrets are made once; `kind` can stay 'install' on later runs, so presence decides. */
export async function seed(effects: T.Effects, secret: () => string): Promise<void> {
  const store = (await storeJson.read().once()) ?? emptyStore()
  if (!store.secretKey) await storeJson.write(effects, { ...store, secretKey: secret() })
}

export async function askForWhatIsMissing(effects: T.Effects): Promise<void> {
  const store = (await storeJson.read().const(effects)) ?? emptyStore()
  if (!store.baseUrl)
    await sdk.action.createOwnTask(effects, setPrimaryUrl, 'critical', {
      replayId: 'primary-url',
      reason: i18n('Say at which address your team opens Venture CRM.'),
    })
  else await sdk.action.clearTask(effects, 'primary-url')
  if (!store.adminEmail)
    await sdk.action.createOwnTask(effects, setAdmin, 'critical', {
      replayId: 'first-admin',
      reason: i18n('Create the first admin: nobody can sign in before.'),
    })
  else await sdk.action.clearTask(effects, 'first-admin')
}
