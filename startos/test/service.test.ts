import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { Daemons } from '@start9labs/start-sdk'
import { commands, custom, fake, onDisk, put, system } from './fake'
import { main, manifest } from '../startos'
import { afterRestore, beforeBackup } from '../startos/backups'
import { apiAnswers, heartbeat, ready } from '../startos/health'
import dict from '../startos/i18n/dictionaries/default'
import translations from '../startos/i18n/dictionaries/translations'
import { askForWhatIsMissing, seed } from '../startos/init/tasks'
import type { manifest as source } from '../startos/manifest'

async function daemons(effects = fake().effects) {
  const built = (await main({ effects })) as unknown as Daemons<typeof source, string>
  return new Map(
    built.entries.map((e) => [
      e.id,
      e.kind !== 'health' && 'command' in e.exec
        ? { command: e.exec.command, env: e.exec.env, requires: e.requires, user: e.exec.user }
        : { command: [], env: undefined, requires: e.requires, user: undefined },
    ]),
  )
}

const base = {
  CRM_ENV: 'production',
  CRM_DATA_DIR: '/data',
  CRM_BIND: '0.0.0.0:8080',
  CRM_BASE_URL: 'https://crm.local',
  CRM_SECRET_KEY: 's'.repeat(64),
  CRM_TRUSTED_PROXIES: '10.0.3.1',
  CRM_LOG_FORMAT: 'text',
}

test('without anything connected both programs get the base, as the user crm', async () => {
  await put({ baseUrl: 'https://crm.local' })
  const { effects, asked } = fake()
  const all = await daemons(effects)
  assert.deepEqual([...all.keys()], ['own', 'gmail-key', 'migrate', 'api', 'worker', 'ready'])
  for (const id of ['migrate', 'api', 'worker']) {
    assert.deepEqual(all.get(id)?.env, base)
    assert.equal(all.get(id)?.user, 'crm')
  }
  assert.deepEqual(all.get('worker')?.requires, ['migrate'])
  assert.deepEqual(asked, [])
})

test('custom email, Gmail and Spark reach both programs', async () => {
  await put({
    baseUrl: 'https://crm.local',
    smtp: custom,
    gmailKey: '{"k":1}',
    sparkUrl: 'http://s:9999',
    sparkModel: 'm',
  })
  const { effects, asked } = fake()
  const all = await daemons(effects)
  const env = {
    ...base,
    CRM_GMAIL_CREDENTIALS: '/run/crm/gmail.json',
    SPARK_URL: 'http://s:9999',
    SPARK_MODEL: 'm',
    SMTP_HOST: 'mail.fund.test',
    SMTP_PORT: '587',
    SMTP_USER: 'crm',
    SMTP_PASS: 'custom-secret',
    SMTP_FROM: 'Fund <crm@fund.test>',
    SMTP_SECURITY: 'starttls',
  }
  assert.deepEqual(all.get('api')?.env, env)
  assert.deepEqual(all.get('worker')?.env, env)
  assert.deepEqual(all.get('gmail-key')?.env, { KEY: '{"k":1}' })
  assert.deepEqual(asked, [])
})

test('the system’s email, with a sender of our own', async () => {
  await put({ smtp: { selection: 'system', value: { customFrom: 'us@fund.test' } } })
  const env = (await daemons()).get('api')?.env
  assert.equal(env?.SMTP_HOST, system.host)
  assert.equal(env?.SMTP_PORT, '465')
  assert.equal(env?.SMTP_FROM, 'us@fund.test')
  assert.equal(env?.SMTP_SECURITY, 'tls')
})

test('health checks pass on 200 only, and fail when nobody listens', async () => {
  let status = 200
  const server = createServer((_request, response) => response.writeHead(status).end())
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  for (const check of [apiAnswers, ready]) {
    status = 200
    assert.equal((await check(port)).result, 'success')
    status = 503
    assert.equal((await check(port)).result, 'failure')
  }
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
  assert.equal((await ready(port)).result, 'failure')
  assert.equal((await heartbeat(async () => ({ exitCode: 0 }))).result, 'success')
  assert.equal((await heartbeat(async () => ({ exitCode: 1 }))).result, 'failure')
  assert.equal((await heartbeat(() => Promise.reject(new Error('gone')))).result, 'failure')
})

test('tasks appear while something is missing and vanish when it is there', async () => {
  await put({})
  const { effects, tasks } = fake()
  await askForWhatIsMissing(effects)
  assert.deepEqual([...tasks.keys()].sort(), ['first-admin', 'primary-url'])
  assert.ok([...tasks.values()].every((task) => task.severity === 'critical'))
  await put({ baseUrl: 'https://crm.local' })
  await askForWhatIsMissing(effects)
  assert.deepEqual([...tasks.keys()], ['first-admin'])
  await put({ baseUrl: 'https://crm.local', adminEmail: 'a@b.c' })
  await askForWhatIsMissing(effects)
  assert.equal(tasks.size, 0)
})

test('the secret key is made once', async () => {
  await put({ secretKey: '' })
  await seed(fake().effects, () => 'first')
  await seed(fake().effects, () => 'second')
  assert.equal(onDisk().secretKey, 'first')
})

test('a backup that fails stops StartOS’s; a restore that is not whole asks a person', async () => {
  const calls = commands(() => ({}))
  const { effects, tasks } = fake()
  await beforeBackup(effects)
  await afterRestore(effects)
  assert.deepEqual(
    calls.map((c) => c.command[1]),
    ['backup', 'verify'],
  )
  assert.equal(tasks.size, 0)
  commands(() => ({ ok: false, err: 'damaged' }))
  await assert.rejects(beforeBackup(effects), /damaged/)
  await afterRestore(effects)
  assert.equal([...tasks.values()][0]?.actionId, 'show-status')
})

test('every text is there in every language; the manifest is whole', () => {
  const ids = Object.values(dict).map(String)
  for (const words of Object.values(translations)) assert.deepEqual(Object.keys(words), ids)
  assert.equal(manifest.id, 'venture-crm')
  assert.equal(manifest.version, '0.1.0:0')
})
