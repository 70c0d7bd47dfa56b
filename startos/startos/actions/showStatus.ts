import { mustRun } from '../command'
import { i18n } from '../i18n'
import { sdk } from '../sdk'

export const showStatus = sdk.Action.withoutInput(
  'show-status',
  async () => ({
    name: i18n('Show status'),
    description: i18n('How the queue, the worker and the backups are'),
    warning: null,
    allowedStatuses: 'any',
    group: null,
    visibility: 'enabled',
  }),
  async ({ effects }) => ({
    version: '1',
    title: i18n('Status'),
    message: await mustRun(effects, ['crm-worker', 'status']),
    result: null,
  }),
)
