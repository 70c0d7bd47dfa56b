import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commands, custom, fake, onDisk, put } from './fake'
import { actions } from '../startos/actions'
import type { T } from '@start9labs/start-sdk'

type AnyAction = {
  getInput(o: { effects: T.Effects; prefill: null }): Promise<T.ActionInput>
  run(o: { effects: T.Effects; input: object }): Promise<T.ActionResult | null>
}

async function run(id: string, input: object): Promise<T.ActionResult | null> {
  const { effects } = fake()
  const action = actions.get(id as 'set-admin') as unknown as AnyAction
  await action.getInput({ effects, prefill: null })
  return action.run({ effects, input })
}

test('the primary address is an https origin, kept without its slash', async () => {
  await put({})
  for (const url of [
    'crm.local',
    'http://crm.local',
    'https://crm.local/login',
    'https://a:b@crm.local',
  ])
    await assert.rejects(run('set-primary-url', { url }), /address|https|host name/)
  assert.equal(onDisk().baseUrl, '')
  await run('set-primary-url', { url: ' https://crm.local:8443/ ' })
  assert.equal(onDisk().baseUrl, 'https://crm.local:8443')
  assert.equal(onDisk().secretKey, 's'.repeat(64))
})

test('an admin is created with a password through standard input, kept nowhere', async () => {
  await put({})
  const calls = commands(() => ({}))
  const done = await run('set-admin', { email: 'ada@fund.test', name: 'Ada' })
  const create = calls.find((call) => call.command.includes('create-user'))
  assert.ok(create?.input && create.input.length === 24)
  assert.ok(!create.command.includes(create.input))
  assert.ok(JSON.stringify(done).includes(create.input))
  assert.equal(onDisk().adminEmail, 'ada@fund.test')
  assert.ok(!JSON.stringify(onDisk()).includes(create.input))
})

test('an account that exists gets a link; bad input and a failing program change nothing', async () => {
  await put({})
  const calls = commands((c) => ({
    out: c.includes('list-users')
      ? '1\tAda@fund.test\tadmin\tactive\tAda'
      : 'https://crm.local/setup/x',
  }))
  const done = await run('set-admin', { email: 'ada@fund.test', name: 'Ada' })
  assert.match(JSON.stringify(done), /setup\/x/)
  assert.ok(!calls.some((call) => call.command.includes('create-user')))
  await put({})
  await assert.rejects(run('set-admin', { email: 'ada', name: 'Ada' }), /email/)
  await assert.rejects(run('set-admin', { email: 'ada@fund.test', name: '--role' }), /name/)
  commands((c) => (c.includes('create-user') ? { ok: false, err: 'too weak' } : {}))
  await assert.rejects(run('set-admin', { email: 'bob@fund.test', name: 'Bob' }), /too weak/)
  assert.equal(onDisk().adminEmail, '')
})

test('disabling email leaves no password behind', async () => {
  await put({ smtp: custom })
  await run('manage-smtp', { smtp: { selection: 'disabled', value: {} } })
  assert.equal(onDisk().smtp.selection, 'disabled')
  assert.ok(!JSON.stringify(onDisk()).includes('custom-secret'))
  await assert.rejects(run('manage-smtp', { smtp: { selection: 'pigeon', value: {} } }))
})

test('a Gmail key is checked, never shown, and removed when left empty', async () => {
  await put({})
  for (const key of [
    'nonsense',
    '[]',
    '{"type":"user"}',
    '{"type":"service_account","client_email":"a"}',
  ])
    await assert.rejects(run('gmail-credentials', { key }), /JSON|service account|lacks/)
  const key = JSON.stringify({ type: 'service_account', client_email: 'a@b.c', private_key: 'PEM' })
  const done = await run('gmail-credentials', { key })
  assert.equal(onDisk().gmailKey, key)
  assert.ok(!JSON.stringify(done).includes('PEM'))
  const { effects } = fake()
  const shown = await actions.get('gmail-credentials').getInput({ effects, prefill: null })
  assert.ok(!JSON.stringify(shown).includes('PEM'))
  await run('gmail-credentials', { key: null })
  assert.equal(onDisk().gmailKey, '')
})

test('Spark takes a web address, and forgets its model with it', async () => {
  await put({})
  await assert.rejects(run('configure-spark', { url: 'ftp://x', model: null }), /http/)
  await run('configure-spark', { url: 'http://spark.local:9999/', model: 'm' })
  assert.deepEqual([onDisk().sparkUrl, onDisk().sparkModel], ['http://spark.local:9999', 'm'])
  await run('configure-spark', { url: null, model: 'm' })
  assert.deepEqual([onDisk().sparkUrl, onDisk().sparkModel], ['', ''])
})

test('backup and status show what the program said, or its error', async () => {
  const calls = commands((c) => ({ out: `ran ${c}` }))
  const { effects } = fake()
  const backup = await actions.get('run-backup').run({ effects, input: {} })
  const status = await actions.get('show-status').run({ effects, input: {} })
  assert.match(JSON.stringify([backup, status]), /ran crm-worker backup.*ran crm-worker status/)
  assert.equal(calls.length, 2)
  commands(() => ({ ok: false, err: 'disk full' }))
  await assert.rejects(actions.get('run-backup').run({ effects, input: {} }), /disk full/)
})
