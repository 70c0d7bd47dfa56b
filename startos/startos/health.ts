import type { healthFns } from '@start9labs/start-sdk'
import { i18n } from './i18n'

type Result = healthFns.HealthCheckResult

async function ask(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(5_000) })).ok
  } catch {
    return false
  }
}

const result = (good: boolean, yes: string, no: string): Result =>
  good ? { result: 'success', message: yes } : { result: 'failure', message: no }

// The SDK's checkWebUrl passes on any status, even 500.
export const apiAnswers = async (port: number): Promise<Result> =>
  result(
    await ask(`http://127.0.0.1:${port}/healthz`),
    i18n('The web interface answers'),
    i18n('The web interface does not answer'),
  )

export const ready = async (port: number): Promise<Result> =>
  result(
    await ask(`http://127.0.0.1:${port}/readyz`),
    i18n('Database, worker and disk are fine'),
    i18n('Something needs attention: run Show status'),
  )

export async function heartbeat(run: () => Promise<{ exitCode: number | null }>): Promise<Result> {
  const good = await run().then(
    (done) => done.exitCode === 0,
    () => false,
  )
  return result(good, i18n('The worker is alive'), i18n('The worker gives no sign of life'))
}
