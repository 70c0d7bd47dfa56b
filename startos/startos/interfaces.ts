import { PORT } from './env'
import { i18n } from './i18n'
import { sdk } from './sdk'

export const setInterfaces = sdk.setupInterfaces(async ({ effects }) => {
  const origin = await sdk.MultiHost.of(effects, 'ui').bindPort(PORT, { protocol: 'http' })
  const ui = sdk.createInterface(effects, {
    name: i18n('Web interface'),
    id: 'ui',
    description: i18n('Where your team signs in'),
    type: 'ui',
    masked: false,
    schemeOverride: null,
    username: null,
    path: '',
    query: {},
  })
  return [await origin.export([ui])]
})
