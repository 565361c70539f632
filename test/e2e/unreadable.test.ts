import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../harness/eventually.ts'
import { findSamples } from '../harness/metrics.ts'
import { exchangeRaw } from '../harness/raw-client.ts'
import { useHouse } from './house.ts'

const house = useHouse()

test('what is no request is counted by its code, and the log says so once', async () => {
  const { gateway } = house()
  for (const bytes of [
    'GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n',
    'GET /\r\n\r\n',
    '\x16\x03\x01\x02\x00\r\n\r\n',
  ]) {
    await exchangeRaw(gateway.url, bytes)
  }
  const count = async (name: string) => {
    const samples = findSamples(await gateway.metrics(), name)
    return samples.reduce((sum, { value }) => sum + value, 0)
  }
  // One whose line can be read is a request that was refused, with a record.
  const seen = async () => [await count('ferro_requests_unreadable_total'), await count('ferro_refused_total')] as const
  await eventually(
    async () => {
      const [unreadable, refused] = await seen()
      return unreadable > 0 && unreadable + refused === 3
    },
    { what: 'all three to be counted' },
  )
  await eventually(() => gateway.stderr.text.includes('clients send what is no request'))
  assert.equal(gateway.stderr.text.split('clients send what is no request').length, 2)
  assert.ok(!gateway.stderr.text.includes('Bad Header'), 'nothing of what the client sent')
})
