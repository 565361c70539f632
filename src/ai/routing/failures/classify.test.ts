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
  [
    429,
    {
      error: {
        type: 'tokens',
        code: 'rate_limit_exceeded',
        message:
          'Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s. You can increase your rate limit by adding a payment method to your account at https://platform.openai.com/account/billing.',
      },
    },
    'throttled',
    'tokens of a minute, with the advice to pay more',
  ],
  [
    429,
    {
      error: {
        code: 429,
        status: 'RESOURCE_EXHAUSTED',
        message: 'You exceeded your current quota, please check your plan and billing details. Please retry in 36.6s.',
        details: [
          { violations: [{ quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier' }] },
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '36s' },
        ],
      },
    },
    'throttled',
    'a quota of a minute in the words of one that is used up',
  ],
  [
    429,
    {
      error: {
        message: 'Your team 1f2e has either used all available credits or reached its monthly spending limit.',
        code: 'The caller does not have permission',
      },
    },
    'quota',
    'credits that are used up, in words alone',
  ],
  [
    400,
    {
      error: {
        message: "Invalid schema for function 'get_billing_address': In context=(), 'required' is required",
        type: 'invalid_request_error',
        code: 'invalid_function_parameters',
      },
    },
    'caller',
    'a tool whose name speaks of billing',
  ],
  [
    400,
    { error: { message: "Invalid schema for function 'safety_check': x", type: 'invalid_request_error' } },
    'caller',
    'a tool whose name speaks of safety',
  ],
  [
    400,
    { error: { message: "Invalid value: 'invalid api key'. Supported values are: 'low', 'high'." } },
    'caller',
    'a value that speaks of keys',
  ],
  [
    400,
    { error: { message: 'Unexpected value at tools.0: insufficient balance, api key not valid' } },
    'caller',
    'a value that speaks of money, without quotes',
  ],
  [
    400,
    { error: { message: "Invalid schema for response_format 'x': model 'foo' unknown keyword" } },
    'caller',
    'a schema that speaks of models',
  ],
  [
    400,
    {
      error: {
        message: 'The model `gpt-5` with `temperature` 0.2 is not supported',
        code: 'unsupported_value',
        param: 'temperature',
      },
    },
    'caller',
    'a value that a model does not take',
  ],
  [
    400,
    {
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message: 'input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease `max_tokens`',
      },
    },
    'context_length',
    'a request that is too long, with quotes around it',
  ],
  [
    404,
    { type: 'error', error: { type: 'not_found_error', message: 'File not found: file_011abc' } },
    'caller',
    'a file that is not there',
  ],
  [404, { error: { message: 'Vector store with id [model] not found.' } }, 'caller', 'a store that is not there'],
  [
    404,
    {
      error: { message: "Item with id 'rs_1' not found. Try again with `store` set to true.", code: null },
    },
    'caller',
    'an item that is not there',
  ],
  [
    404,
    { type: 'error', error: { type: 'not_found_error', message: 'model: claude-9' } },
    'withdrawn',
    'a model that is not there, by its name alone',
  ],
  [
    404,
    {
      error: {
        code: 404,
        status: 'NOT_FOUND',
        message: 'models/gone is not found for API version v1beta, or is not supported for generateContent.',
      },
    },
    'withdrawn',
    'a model of Google that is not there',
  ],
  [404, { error: 'model "llama9" not found, try pulling it first' }, 'withdrawn', 'a model that nobody has pulled'],
  [
    404,
    { message: 'This model version has reached the end of its life. Please refer to the AWS documentation.' },
    'withdrawn',
    'a model at the end of its life, as not found',
  ],
  [404, { error: { code: '404', message: 'Resource not found' } }, 'withdrawn', 'an address at which there is nothing'],
  [404, { detail: 'Not Found' }, 'withdrawn', 'a server that has no such path'],
  [404, '404 page not found', 'withdrawn', 'a page of a server that is no API'],
  [404, { error: { message: 'The model is overloaded, try again later' } }, 'transient', 'a model that is busy'],
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

test('of a body that is too long its beginning is read', () => {
  const long = 'x'.repeat(100_000)
  const bodies = [
    { error: { code: 'context_length_exceeded', message: long } },
    { error: { message: `prompt is too long: ${long}` } },
    { error: { type: 'context_length_exceeded', echoed: Array.from({ length: 9_000 }, () => ({ text: 'a, "b"' })) } },
  ]
  for (const body of bodies) {
    assert.equal(classOfAnswer(400, {}, Buffer.from(JSON.stringify(body))), 'context_length')
  }
  const deep = Buffer.from(`{"error":${'['.repeat(100_000)}`)
  assert.equal(classOfAnswer(400, {}, deep), 'caller')
})

test('what is wrong by its name is so whatever a long message quotes', () => {
  const message = `Invalid value: 'a' and "b" and \`api key not valid\``
  const body = Buffer.from(JSON.stringify({ error: { code: 'invalid_value', message } }))
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
