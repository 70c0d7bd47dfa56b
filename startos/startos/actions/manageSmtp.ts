import { smtpPrefill } from '@start9labs/start-sdk'
import { emptyStore, storeJson } from '../fileModels/store.json'
import { i18n } from '../i18n'
import { sdk } from '../sdk'

export const manageSmtp = sdk.Action.withInput(
  'manage-smtp',
  async () => ({
    name: i18n('Set up email'),
    description: i18n('How invitations and digests are sent'),
    warning: null,
    allowedStatuses: 'any',
    group: null,
    visibility: 'enabled',
  }),
  sdk.InputSpec.of({ smtp: sdk.inputSpecConstants.smtpInputSpec }),
  async () => ({ smtp: smtpPrefill((await storeJson.read().once())?.smtp) }),
  async ({ effects, input }) => {
    const store = (await storeJson.read().once()) ?? emptyStore()
    // Written whole: a deep merge would leave the old password behind.
    await storeJson.write(effects, { ...store, smtp: input.smtp })
  },
)
