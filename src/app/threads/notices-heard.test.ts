import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NoticesHeard } from './notices-heard.ts'

function store(lines: readonly (readonly [number, string])[]) {
  return async () => lines
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

test('notices are heard once, those that got lost are read', async () => {
  const heard: string[] = []
  const notices = new NoticesHeard((text) => heard.push(text))
  notices.caughtUp({ changes: 3, log: 'a' }, store([]))
  notices.hear(4, 'four')
  notices.caughtUp({ changes: 6, log: 'a' }, store([4, 5, 6].map((number) => [number, `read ${number}`] as const)))
  await settled()
  notices.hear(6, 'six')
  assert.deepEqual(heard, ['four', 'read 5', 'read 6'])
})

for (const last of [1, 50]) {
  test(`the first notices after the store was emptied are heard, when ${last} were counted before`, async () => {
    const heard: string[] = []
    const notices = new NoticesHeard((text) => heard.push(text))
    notices.caughtUp({ changes: last, log: 'a' }, store([]))
    notices.hear(1, 'one')
    notices.caughtUp({ changes: 1, log: 'b' }, store([[1, 'one']]))
    await settled()
    notices.hear(2, 'two')
    assert.deepEqual(heard, ['one', 'two'])
  })
}
