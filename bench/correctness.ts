import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { EchoClient } from './echo-load.ts'
import {
  chatAnswer,
  chatRequest,
  contentEvents,
  largeAnswer,
  plainEvents,
  plainPaths,
  smallAnswer,
  streamAnswer,
  uploadAnswer,
  virtualKey,
} from './payload.ts'
import type { LoadScenario } from './scenarios.ts'
import type { Variant } from './variants.ts'

const probes = 20

/**
 * Asks a variant a few times and compares every answer with the upstream's; a gateway must also refuse a stranger,
 * log every request and count. Throws where something differs: the load generator reads no bodies, so a variant
 * that answers quickly and wrongly would otherwise win.
 */
export const checkAnswers = async (variant: Variant, scenario: LoadScenario): Promise<void> => {
  try {
    for (let probe = 0; probe < probes; probe += 1) {
      if (scenario.protocol === 'websocket') await checkEcho(variant)
      else await checkAnswer(variant, scenario)
    }
    if (variant.governed !== null) await checkGovernance(variant, variant.governed)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${variant.name} does not answer as it should: ${reason}`, { cause: error })
  }
}

const checkAnswer = async (variant: Variant, { setting, path, body, events }: LoadScenario): Promise<void> => {
  const answer = await ask(variant.url, body, virtualKey)
  strictEqual(answer.status, 200, answer.body)
  if (setting === 'plain') strictEqual(answer.body, plainAnswer(path, body))
  else if (events !== null) checkStream(answer.body)
  else deepStrictEqual(JSON.parse(answer.body), JSON.parse(chatAnswer))
}

const plainAnswer = (path: string, body: string | null): string => {
  if (path === plainPaths.small) return smallAnswer
  if (path === plainPaths.large) return largeAnswer
  return body === null ? plainEvents().join('') : uploadAnswer(body.length)
}

/** A few messages on a connection of its own. */
const checkEcho = async (variant: Variant): Promise<void> => {
  const client = await EchoClient.open(new URL(variant.url))
  await client.run(performance.now() + 10)
  strictEqual(client.failed, false, 'the echo is the message')
}

const checkStream = (body: string): void => {
  const expected = streamAnswer()
  const received = body
    .split('\n\n')
    .filter((event) => event.startsWith('data:'))
    .map((event) => event.slice('data:'.length).trim())
  // The client did not ask for usage: a gateway that asked for its own sake hides that event and the field again.
  const contentOf = (data: string | undefined): unknown =>
    // Any JSON value has or has not this member; only its presence is looked at.
    (JSON.parse(data ?? 'null') as { choices?: unknown } | null)?.choices
  for (let index = 0; index <= contentEvents; index += 1) {
    deepStrictEqual(contentOf(received[index]), contentOf(expected[index]), `event ${index}`)
  }
  strictEqual(received.at(-1), '[DONE]')
  ok(received.length >= expected.length - 1, `${received.length} events`)
}

const checkGovernance = async (variant: Variant, governed: NonNullable<Variant['governed']>): Promise<void> => {
  if (governed.asksForKeys) {
    const refused = await ask(variant.url, chatRequest, 'fk-unknown')
    strictEqual(refused.status, 401, 'an unknown key is refused')
  }
  const deadline = performance.now() + 5000
  while (countLines(governed.files.accessLog) < probes) {
    ok(performance.now() < deadline, `${probes} requests are in the access log within five seconds`)
    await delay(50)
  }
  const metrics = await (await fetch(`${governed.controlUrl}/metrics`)).text()
  ok(metrics.includes('ferro_'), 'the control listener serves metrics')
}

const countLines = (path: string): number =>
  existsSync(path) ? readFileSync(path, 'latin1').split('\n').length - 1 : 0

/** One request on a connection of its own: a POST when there is a body, else a GET. */
export const ask = (
  url: string,
  body: string | null,
  key: string,
): Promise<{ readonly status: number; readonly body: string }> =>
  new Promise((resolve, reject) => {
    const headers = {
      ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      authorization: `Bearer ${key}`,
    }
    const method = body === null ? 'GET' : 'POST'
    const sent = request(url, { method, agent: false, headers, timeout: 10_000 }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }),
      )
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer from ${url} within ten seconds`)))
    sent.on('error', reject)
    sent.end(body ?? undefined)
  })
