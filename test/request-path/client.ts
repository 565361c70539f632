import type { TestContext } from 'node:test'
import type { UpstreamRequest } from '../../src/core/index.ts'
import { Http1Client } from '../../src/core/upstream/http1-client.ts'
import { type Endpoint, endpointOf } from '../../src/core/upstream/open-socket.ts'
import { Recorder } from './recorder.ts'

/** A request that says nothing more than that it is one. */
export const GET: UpstreamRequest = { method: 'GET', path: '/', headers: [], body: null }

/** One connection to an origin, with a connect deadline of two seconds unless `endpoint` says otherwise; ends with the test. */
export function clientTo(t: TestContext, origin: string, endpoint: Endpoint = endpointOf(origin, 2_000)): Http1Client {
  const client = new Http1Client(endpoint)
  t.after(() => client.destroy())
  return client
}

/** Dispatches a request, and gives the handler that hears of it. */
export function send(
  client: Http1Client,
  recorder: Recorder = new Recorder(),
  request: UpstreamRequest = GET,
): Recorder {
  client.dispatch(request, recorder)
  return recorder
}
