import { gmailKey } from '../check'
import { emptyStore, storeJson } from '../fileModels/store.json'
import { i18n } from '../i18n'
import { sdk } from '../sdk'

const { InputSpec, Value } = sdk

export const gmailCredentials = sdk.Action.withInput(
  'gmail-credentials',
  async () => ({
    name: i18n('Set Gmail key'),
    description: i18n(
      'The service account that reads enrolled mailboxes; leave empty to remove it',
    ),
    warning: null,
    allowedStatuses: 'any',
    group: null,
    visibility: 'enabled',
  }),
  InputSpec.of({
    key: Value.textarea({
      name: i18n('Key file'),
      description: i18n('Paste the whole JSON file from Google. It is never shown again.'),
      required: false,
      default: null,
    }),
  }),
  // Never prefilled: a secret is not shown again.
  async () => null,
  async ({ effects, input }) => {
    const text = input.key?.trim() ?? ''
    const key = text ? gmailKey(text) : ''
    const store = (await storeJson.read().once()) ?? emptyStore()
    await storeJson.write(effects, { ...store, gmailKey: key })
    return {
      version: '1',
      title: key ? i18n('Gmail is configured') : i18n('The Gmail key was removed'),
      message: null,
      result: null,
    }
  },
)
