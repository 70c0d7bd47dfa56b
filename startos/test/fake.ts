import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { T } from '@start9labs/start-sdk'
import { type Outcome, shell } from '../startos/command'
import { type Store, emptyStore, storeJson } from '../startos/fileModels/store.json'

const path = join(mkdtempSync(join(tmpdir(), 'crm-startos-')), 'store.json')
Object.defineProperty(storeJson, 'path', { value: path })

export const system: T.SmtpValue = {
  host: 'smtp.system.test',
  port: 465,
  from: 'box@system.test',
  username: 'box',
  password: 'system-secret',
  security: 'tls',
}

export type Task = { replayId: string; severity: string; actionId: string }

/** What StartOS would answer; `tasks` holds what a person would be asked to do. */
export function fake() {
  const tasks = new Map<string, Task>()
  const asked: string[] = []
  const known: Record<string, unknown> = {
    eventId: 'event',
    isInContext: true,
    onLeaveContext() {},
    child: () => effects,
    getSystemSmtp: async () => (asked.push('smtp'), { ...system }),
    getOsIp: async () => '10.0.3.1',
    action: {
      createTask: async (task: Task) => (tasks.set(task.replayId, task), null),
      clearTasks: async ({ only }: { only: string[] }) => (
        only.forEach((id) => tasks.delete(id)),
        null
      ),
    },
  }
  const effects = known as unknown as T.Effects
  return { effects, tasks, asked }
}

export const put = (change: Partial<Store>) =>
  storeJson.write(fake().effects, { ...emptyStore(), secretKey: 's'.repeat(64), ...change })

export const onDisk = (): Store => JSON.parse(readFileSync(path, 'utf8')) as Store

export type Call = { command: string[]; input?: string }

/** Puts a fake in the place of the container; answers by the words of the command. */
export function commands(answer: (command: string) => Partial<Outcome>): Call[] {
  const calls: Call[] = []
  shell.run = async (_effects, command, options) => {
    calls.push({ command, input: options?.input })
    return { ok: true, out: '', err: '', ...answer(command.join(' ')) }
  }
  return calls
}

export const custom: Store['smtp'] = {
  selection: 'custom',
  value: {
    provider: {
      selection: 'other',
      value: {
        host: 'mail.fund.test',
        security: { selection: 'starttls', value: { port: '587' } },
        from: 'Fund <crm@fund.test>',
        username: 'crm',
        password: 'custom-secret',
      },
    },
  },
}
