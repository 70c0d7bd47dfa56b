import type { T } from '@start9labs/start-sdk'
import { baseEnv } from './env'
import { emptyStore, storeJson } from './fileModels/store.json'
import { sdk } from './sdk'

export const USER = 'crm'
// StartOS mounts volumes as root's; the programs refuse a folder others can read.
export const OWN = ['sh', '-c', `chown -R ${USER}:${USER} /data && chmod 700 /data`]

export const mounts = () =>
  sdk.Mounts.of().mountVolume({
    volumeId: 'main',
    subpath: null,
    mountpoint: '/data',
    readonly: false,
  })

export type Outcome = { ok: boolean; out: string; err: string }
export type Runner = (
  effects: T.Effects,
  command: string[],
  options?: { input?: string; own?: boolean },
) => Promise<Outcome>

/** Runs one of the app's own commands in a container of its own, beside the service. */
export const inContainer: Runner = async (effects, command, options = {}) => {
  const env = await baseEnv(effects, (await storeJson.read().once()) ?? emptyStore())
  return sdk.SubContainer.withTemp(
    effects,
    { imageId: 'crm' },
    mounts(),
    'command',
    async (sub) => {
      if (options.own ?? true) await sub.execFail(OWN)
      const done = await sub.exec(command, { env, user: USER, input: options.input }, null)
      return {
        ok: done.exitCode === 0,
        out: String(done.stdout).trim(),
        err: String(done.stderr).trim(),
      }
    },
  )
}

// Tests put a fake here: there is no container without StartOS.
export const shell: { run: Runner } = { run: inContainer }

export async function mustRun(
  effects: T.Effects,
  command: string[],
  options?: { input?: string },
): Promise<string> {
  const done = await shell.run(effects, command, options)
  if (!done.ok) throw new Error(done.err || done.out || `${command.join(' ')} failed`)
  return done.out
}
