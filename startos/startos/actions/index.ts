import { sdk } from '../sdk'
import { configureSpark } from './configureSpark'
import { gmailCredentials } from './gmailCredentials'
import { manageSmtp } from './manageSmtp'
import { runBackup } from './runBackup'
import { setAdmin } from './setAdmin'
import { setPrimaryUrl } from './setPrimaryUrl'
import { showStatus } from './showStatus'

export const actions = sdk.Actions.of()
  .addAction(setPrimaryUrl)
  .addAction(setAdmin)
  .addAction(manageSmtp)
  .addAction(gmailCredentials)
  .addAction(configureSpark)
  .addAction(runBackup)
  .addAction(showStatus)
