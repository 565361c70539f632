import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Gateway } from '../../test/harness/gateway.ts'
import { createFerro } from './testing/ferro.ts'

const CONFIG = `organizations:
  - id: filed
teams:
  - id: of-file
    organization: filed
`

test('levels are made, listed, changed and deleted without a gateway, as with one', async (t) => {
  const { run, folder } = createFerro(t, { 'ferro.yaml': CONFIG })
  const json = async (...args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await run([...args, '--format', 'json'])
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout) as unknown
  }
  writeFileSync(join(folder, 'rules.json'), JSON.stringify({ rules: [{ by: 'end_user', limits: { concurrency: 3 } }] }))
  const limits = ['--requests-per-minute', '60', '--concurrency', '4', '--budget-usd', '25', '--per', 'day']
  const made = await json('organizations', 'create', 'acme', '--name', 'Acme', '--tag', 'customer', ...limits)
  assert.partialDeepStrictEqual(made, {
    organization: { id: 'acme', owner: 'database', limits: { concurrency: 4 }, budgets: [{ usd: 25, per: 'day' }] },
  })
  const team = await json('teams', 'create', 'search', '--organization', 'acme', '--from', 'rules.json')
  assert.partialDeepStrictEqual(team, { team: { organization: 'acme', rules: [{ by: 'end_user' }] } })
  await json('projects', 'create', 'web', '--team', 'search', '--deny-model', 'demo/x')
  await json('users', 'create', 'ada', '--organization', 'acme', '--metadata', 'mail=a@example.com')

  const list = await run(['teams', 'list'])
  assert.match(list.stdout, /^ID +NAME +STATE +OWNER +IN +RATE +BUDGETS +TAGS\n/)
  assert.match(list.stdout, /\nof-file +of-file +enabled +file +organization:filed +- +- +-\n/)
  assert.match(list.stdout, /\nsearch +search +enabled +database +organization:acme /)
  assert.match((await run(['projects', 'show', 'web'])).stdout, /\ndenied models +demo\/x\n/)

  const flags = ['--clear', 'limits.concurrency', 'tags', '--requests-per-minute', '90', '--disable']
  assert.partialDeepStrictEqual(await json('organizations', 'update', 'acme', ...flags), {
    organization: { enabled: false, tags: [], limits: { requests_per_minute: 90, concurrency: null } },
  })

  await json('keys', 'create', '--id', 'ci', '--project', 'web', '--user', 'ada')
  const moved = ['--team', 'search', '--clear', 'project', '--tag', 'moved', '--tokens-per-minute', '900']
  assert.partialDeepStrictEqual(await json('keys', 'update', 'ci', ...moved), {
    key: { project: null, team: 'search', user: 'ada', tags: ['moved'], limits: { tokens_per_minute: 900 } },
  })
  for (const [line, code, message] of [
    ['teams update of-file --disable', 1, /in the configuration file; change it there/],
    ['teams delete search', 1, /is not empty: project:web/],
    ['teams update search', 2, /nothing is to be changed/],
    ['keys update ci --team nowhere', 1, /nowhere/],
  ] as const) {
    const refused = await run(line.split(' '))
    assert.deepEqual([refused.code, refused.stdout], [code, ''], `${line}: ${refused.stderr}`)
    assert.match(refused.stderr, message, line)
  }
  await json('keys', 'revoke', 'ci')
  assert.partialDeepStrictEqual(await json('projects', 'delete', 'web'), { deleted: true })
  const audit = await json('audit', '--limit', '100')
  assert.match(
    JSON.stringify(audit),
    /"actor":"command-line","address":null,"request_id":null,"action":"project\.create","target":"project:web"/,
  )
})

test('a running gateway is asked, and what is changed is in force', async (t) => {
  const { run } = createFerro(t)
  const gateway = await Gateway.start({
    config: { listen: '127.0.0.1:0', control: { listen: '127.0.0.1:0' }, workers: 1 },
  })
  t.after(() => gateway.close())
  const args = ['--no-config', '--data-dir', gateway.dataDir]
  const made = await run(['teams', 'create', 'search', '--tag', 'a', ...args])
  assert.equal(made.stdout, 'The team search was made and is in force.\n', made.stderr)
  const created = await run(['keys', 'create', '--id', 'ci', '--team', 'search', ...args])
  const models = async () => {
    const headers = { authorization: `Bearer ${created.stdout.trim()}` }
    const answer = await fetch(`${gateway.url}/v1/models`, { headers })
    await answer.arrayBuffer()
    return answer.status
  }
  assert.equal(await models(), 200, created.stderr)
  assert.equal((await run(['teams', 'update', 'search', '--disable', ...args])).code, 0)
  assert.equal(await models(), 403)
  assert.equal((await run(['keys', 'update', 'ci', '--clear', 'team', ...args])).code, 0)
  assert.equal(await models(), 200)
  const listed = await run(['teams', 'list', '--tag', 'a', ...args])
  assert.match(listed.stdout, /\nsearch +search +disabled +database /)
  assert.equal((await run(['teams', 'delete', 'search', ...args])).stdout, 'The team search is deleted.\n')
  assert.match((await run(['teams', 'show', 'search', ...args])).stderr, /there is no team/)
})
