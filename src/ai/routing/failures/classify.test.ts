import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../../../core/index.ts'
import { classOfAnswer, classOfError, classOfFailure } from './classify.ts'
import type { FailureClass } from './failure-class.ts'

/** Error answers as the vendors document them. */
const ANSWERS: readonly (readonly [status: number, body: unknown, expected: FailureClass, what: string])[] = [
  [
    400,
    { error: { message: "Invalid value for 'temperature'", type: 'invalid_request_error', code: null } },
    'caller',
    'a wrong parameter',
  ],
  [
    422,
    { detail: [{ msg: 'field required', type: 'value_error.missing' }] },
    'caller',
    'a body that is not understood',
  ],
  [
    400,
    { error: { message: "This model's maximum context length is 8192 tokens.", code: 'context_length_exceeded' } },
    'context_length',
    'a prompt that is too long, by its code',
  ],
  [
    400,
    {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'prompt is too long: 210000 tokens > 200000 maximum' },
    },
    'context_length',
    'the same in words alone',
  ],
  [
    400,
    {
      error: {
        code: 400,
        status: 'INVALID_ARGUMENT',
        message: 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
      },
    },
    'context_length',
    'the same of another vendor',
  ],
  [
    413,
    { error: { message: 'Request too large', type: 'request_too_large' } },
    'caller',
    'a body that is too large for anybody',
  ],
  [
    400,
    {
      error: {
        code: 'content_filter',
        innererror: { code: 'ResponsibleAIPolicyViolation' },
        message: 'The response was filtered',
      },
    },
    'content_refused',
    'a filter before the model',
  ],
  [
    400,
    {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'Your credit balance is too low to access the API.' },
    },
    'quota',
    'an account without credit that answers 400',
  ],
  [
    400,
    { error: { code: 400, status: 'INVALID_ARGUMENT', message: 'API key not valid. Please pass a valid API key.' } },
    'credential',
    'a bad key that is answered with 400',
  ],
  [401, { error: { code: 'invalid_api_key', message: 'Incorrect API key provided' } }, 'credential', 'a bad key'],
  [403, { message: 'User is not authorized to perform: bedrock:InvokeModel' }, 'credential', 'a right that is missing'],
  [402, { error: { message: 'Insufficient Balance' } }, 'quota', 'a payment that is due'],
  [
    404,
    { error: { code: 'model_not_found', message: 'The model `gpt-9` does not exist' } },
    'withdrawn',
    'a model that is not there',
  ],
  [
    404,
    { error: { code: 'DeploymentNotFound', message: 'The API deployment for this resource does not exist.' } },
    'withdrawn',
    'a deployment that is not there',
  ],
  [
    400,
    { error: { message: 'The model `llama2-70b-4096` has been decommissioned', code: 'model_decommissioned' } },
    'withdrawn',
    'a model that was taken away',
  ],
  [
    400,
    { message: 'The provided model identifier is invalid: model anthropic.claude-v1 reached the end of its life' },
    'withdrawn',
    'a model at the end of its life',
  ],
  [
    429,
    { error: { type: 'requests', code: 'rate_limit_exceeded', message: 'Rate limit reached' } },
    'throttled',
    'too many requests',
  ],
  [
    429,
    { error: { type: 'insufficient_quota', code: 'insufficient_quota', message: 'You exceeded your current quota' } },
    'quota',
    'a quota that is used up',
  ],
  [
    429,
    {
      error: {
        code: 429,
        status: 'RESOURCE_EXHAUSTED',
        message: 'Resource has been exhausted (e.g. check quota).',
        details: [{ violations: [{ quotaId: 'GenerateRequestsPerMinutePerProject' }] }],
      },
    },
    'throttled',
    'a quota of a minute',
  ],
  [
    429,
    {
      error: {
        code: 429,
        status: 'RESOURCE_EXHAUSTED',
        message: 'Resource has been exhausted',
        details: [{ violations: [{ quotaId: 'GenerateRequestsPerDayPerProject' }] }],
      },
    },
    'quota',
    'a quota of a day',
  ],
  [500, { error: { message: 'The server had an error' } }, 'transient', 'an error of the server'],
  [503, '<html>Service Unavailable</html>', 'transient', 'a page of a proxy in between'],
  [
    529,
    { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    'transient',
    'a server that is overloaded',
  ],
  [408, {}, 'transient', 'a request that took too long for the vendor'],
]

for (const [status, body, expected, what] of ANSWERS) {
  test(`${status} for ${what} is ${expected}`, () => {
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    assert.equal(classOfAnswer(status, {}, bytes), expected)
  })
}

test('the name of an error may stand in a header', () => {
  assert.equal(classOfAnswer(403, { 'x-amzn-errortype': 'ModelNotReadyException' }, null), 'withdrawn')
})

test('a body that is too long to be read leaves its status to decide', () => {
  const body = Buffer.from(JSON.stringify({ error: { code: 'context_length_exceeded', message: 'x'.repeat(100_000) } }))
  assert.equal(classOfAnswer(400, {}, body), 'caller')
})

test('errors that were read within an answer are told by their code, and by their reason where they have one', () => {
  assert.equal(classOfError(new GatewayError('upstream_error', 'x')), 'transient')
  assert.equal(classOfError(new GatewayError('upstream_truncated', 'x')), 'transient')
  assert.equal(classOfError(new GatewayError('upstream_rate_limited', 'x')), 'throttled')
  assert.equal(classOfError(new GatewayError('upstream_rejected', 'x', { reason: 'context_length' })), 'context_length')
  assert.equal(classOfError(new GatewayError('saturated', 'x')), 'ours')
})

test('a silent upstream is as good as none, and one that breaks off is not', () => {
  assert.equal(classOfFailure('first_byte_timeout'), 'dead')
  assert.equal(classOfFailure('unreachable'), 'dead')
  assert.equal(classOfFailure('closed'), 'transient')
  assert.equal(classOfFailure('total_timeout'), 'cancelled')
})
