/* Rows about long times, which no test can shorten without showing less. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProxyHouse } from '../../e2e/proxy-house.ts'
import { ask } from '../../harness/ask.ts'

test('F20 an answer that begins after 310 s comes through where the route waits so long', {
  timeout: 400_000,
}, async () => {
  const house = await ProxyHouse.build({ route: { timeouts: { first_byte: '900s', idle: '900s', total: '900s' } } })
  try {
    house.origin.on('/late', (_request, response) => void setTimeout(() => response.end('late'), 310_000))
    house.origin.on('/late-body', (_request, response) => {
      response.writeHead(200).write('first ')
      setTimeout(() => response.end('last'), 310_000)
    })
    const [late, body] = await Promise.all(['/late', '/late-body'].map((path) => ask(`${house.gateway.url}${path}`)))
    assert.deepEqual([late?.status, late?.text, late?.complete], [200, 'late', true])
    assert.deepEqual([body?.text, body?.complete], ['first last', true])
    assert.ok((late?.tookMs ?? 0) >= 309_000)
  } finally {
    await house.close()
  }
})

test('F15 a server that fails for a minute is left alone, another serves, and it is back within 30 s', {
  timeout: 200_000,
}, async (t) => {
  const house = await ProxyHouse.build({ workers: 2, origins: 2 })
  try {
    const [bad, good] = house.origins
    assert.ok(bad && good)
    let failing = true
    let failed = 0
    bad.on('/x', (_request, response) => {
      if (failing) failed++
      response.writeHead(failing ? 503 : 200).end('bad')
    })
    good.on('/x', (_request, response) => void response.end('good'))
    const burst = () => Promise.all(Array.from({ length: 20 }, () => ask(`${house.gateway.url}/x`)))
    for (let round = 0; round < 15; round++) {
      const began = performance.now()
      const answers = await burst()
      assert.ok(
        answers.every(({ status, text }) => status === 200 && text === 'good'),
        answers.map(({ status }) => status).join(),
      )
      await new Promise((resolve) => setTimeout(resolve, 4_000 - (performance.now() - began)))
    }
    t.diagnostic(`the failing server was asked ${failed} times for 300 requests`)
    failing = false
    const from = performance.now()
    while (!(await burst()).some(({ text }) => text === 'bad')) {
      assert.ok(performance.now() - from <= 40_000, 'it is not back')
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
    t.diagnostic(`back after ${((performance.now() - from) / 1_000).toFixed(0)} s`)
    assert.ok(performance.now() - from <= 30_000)
  } finally {
    await house.close()
  }
})
