import { httpsOrigin } from '../check'
import { emptyStore, storeJson } from '../fileModels/store.json'
import { i18n } from '../i18n'
import { sdk } from '../sdk'

const { InputSpec, Value } = sdk

export const setPrimaryUrl = sdk.Action.withInput(
  'set-primary-url',
  async () => ({
    name: i18n('Set primary address'),
    description: i18n('The address your team types; every link in emails starts with it'),
    warning: null,
    allowedStatuses: 'any',
    group: null,
    visibility: 'enabled',
  }),
  InputSpec.of({
    url: Value.text({
      name: i18n('Address'),
      description: i18n('Copy it from the list of interfaces; it starts with https://'),
      required: true,
      default: null,
      placeholder: 'https://crm.local',
    }),
  }),
  async () => ({ url: (await storeJson.read().once())?.baseUrl || undefined }),
  async ({ effects, input }) => {
    const baseUrl = httpsOrigin(input.url)
    await storeJson.write(effects, {
      ...((await storeJson.read().once()) ?? emptyStore()),
      baseUrl,
    })
  },
)
