import { utils } from '@start9labs/start-sdk'
import { actions } from '../actions'
import { restoreInit } from '../backups'
import { setDependencies } from '../dependencies'
import { setInterfaces } from '../interfaces'
import { sdk } from '../sdk'
import { versions } from '../versions'
import { askForWhatIsMissing, seed } from './tasks'

const seedOnInit = sdk.setupOnInit(async (effects) =>
  seed(effects, () => utils.getDefaultString({ charset: 'a-z,A-Z,0-9', len: 64 })),
)
const tasksOnInit = sdk.setupOnInit(async (effects) => askForWhatIsMissing(effects))

export const init = sdk.setupInit(
  restoreInit,
  versions,
  seedOnInit,
  setInterfaces,
  setDependencies,
  actions,
  tasksOnInit,
)
export const uninit = sdk.setupUninit(versions)
