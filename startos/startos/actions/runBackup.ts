import { mustRun } from '../command'
import { i18n } from '../i18n'
import { sdk } from '../sdk'

export const runBackup = sdk.Action.withoutInput(
  'run-backup',
  async () => ({
    name: i18n('Back up now'),
    description: i18n('Takes a backup inside the app and reads it back'),
    warning: null,
    allowedStatuses: 'any',
    group: null,
    visibility: 'enabled',
  }),
  async ({ effects }) => ({
    version: '1',
    title: i18n('The backup is taken and verified'),
    message: await mustRun(effects, ['crm-worker', 'backup']),
    result: null,
  }),
)
