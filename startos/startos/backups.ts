import { mustRun, shell } from './command'
import { sdk } from './sdk'
import { showStatus } from './actions/showStatus'
import type { T } from '@start9labs/start-sdk'
import { i18n } from './i18n'

/** StartOS has stopped the service. The app takes its own backup, reads it back, and fails loudly. */
export async function beforeBackup(effects: T.Effects): Promise<void> {
  await mustRun(effects, ['crm-worker', 'backup'])
}

/** What came back is read; if it is not whole, a person is told and nothing is hidden. */
export async function afterRestore(effects: T.Effects): Promise<void> {
  const done = await shell.run(effects, ['crm-worker', 'verify'])
  if (!done.ok) {
    await sdk.action.createOwnTask(effects, showStatus, 'important', {
      reason: i18n('The newest backup could not be verified after the restore.'),
    })
  }
}

export const { createBackup, restoreInit } = sdk.setupBackups(async () =>
  sdk.Backups.ofVolumes('main', 'startos')
    .setPreBackup(async (effects) => beforeBackup(effects))
    .setPostRestore(async (effects) => afterRestore(effects)),
)
