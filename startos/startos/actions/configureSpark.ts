import { webUrl } from '../check'
import { emptyStore, storeJson } from '../fileModels/store.json'
import { i18n } from '../i18n'
import { sdk } from '../sdk'

const { InputSpec, Value } = sdk

export const configureSpark = sdk.Action.withInput(
  'configure-spark',
  async () => ({
    name: i18n('Connect Spark Control'),
    description: i18n('A language model of your own; leave the address empty to disconnect'),
    warning: null,
    allowedStatuses: 'any',
    group: null,
    visibility: 'enabled',
  }),
  InputSpec.of({
    url: Value.text({ name: i18n('Address'), required: false, default: null }),
    model: Value.text({ name: i18n('Model'), required: false, default: null }),
  }),
  async () => {
    const store = await storeJson.read().once()
    return { url: store?.sparkUrl || null, model: store?.sparkModel || null }
  },
  async ({ effects, input }) => {
    const sparkUrl = input.url?.trim() ? webUrl(input.url) : ''
    const sparkModel = sparkUrl ? (input.model?.trim() ?? '') : ''
    const store = (await storeJson.read().once()) ?? emptyStore()
    await storeJson.write(effects, { ...store, sparkUrl, sparkModel })
  },
)
