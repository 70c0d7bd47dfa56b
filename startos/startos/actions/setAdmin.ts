import { utils } from '@start9labs/start-sdk'
import { email, personName } from '../check'
import { mustRun } from '../command'
import { emptyStore, storeJson } from '../fileModels/store.json'
import { i18n } from '../i18n'
import { sdk } from '../sdk'

const { InputSpec, Value } = sdk

const single = (value: string) =>
  ({ type: 'single', value, copyable: true, qr: false, masked: true }) as const

/** Creates an admin; for an account that exists it hands out a link for a new password. */
export const setAdmin = sdk.Action.withInput(
  'set-admin',
  async () => ({
    name: i18n('Create admin or reset password'),
    description: i18n('For the first admin, or when somebody has lost the password'),
    warning: null,
    allowedStatuses: 'any',
    group: null,
    visibility: 'enabled',
  }),
  InputSpec.of({
    email: Value.text({ name: i18n('Email'), required: true, default: null, inputmode: 'email' }),
    name: Value.text({ name: i18n('Name'), required: true, default: null }),
  }),
  async () => null,
  async ({ effects, input }) => {
    const address = email(input.email)
    const name = personName(input.name)
    const users = await mustRun(effects, ['crm-api', 'admin', 'list-users'])
    const known = users
      .split('\n')
      .some((line) => line.split('\t')[1]?.toLowerCase() === address.toLowerCase())
    const admin = ['crm-api', 'admin']
    // The password goes through standard input and is kept nowhere.
    const password = utils.getDefaultString({ charset: 'a-z,A-Z,2-9', len: 24 })
    const value = known
      ? await mustRun(effects, [...admin, 'reset-password', '--email', address])
      : await mustRun(
          effects,
          [
            ...admin,
            'create-user',
            '--email',
            address,
            '--name',
            name,
            '--role',
            'admin',
            '--password-stdin',
          ],
          { input: password },
        ).then(() => password)
    const store = (await storeJson.read().once()) ?? emptyStore()
    await storeJson.write(effects, { ...store, adminEmail: address })
    return {
      version: '1',
      title: known
        ? i18n('Open this link to choose a new password')
        : i18n('The admin can sign in'),
      message: known ? null : i18n('Note the password now: it is not shown again.'),
      result: single(value),
    }
  },
)
