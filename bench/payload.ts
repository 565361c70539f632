/** The virtual key that the load presents; the gateway's configuration holds its hash. */
export const virtualKey = 'fk-benchmark-0123456789abcdefghijklmnopqrstuvwx'

/** The request of the published comparison: 106 bytes, alphabetical keys. */
export const chatRequest =
  '{"max_tokens":4,"messages":[{"content":"Return one word.","role":"user"}],"model":"gpt-4o","stream":false}'

/** The same request as a stream; it does not ask for usage, so a gateway that meters must ask and hide it again. */
export const streamRequest = chatRequest.replace('"stream":false', '"stream":true')

/** The answer of the published comparison: 301 bytes with its line feed. */
export const chatAnswer =
  '{"choices":[{"finish_reason":"stop","index":0,"message":{"content":"Mock response from FerroGateway benchmark ' +
  'server.","role":"assistant"}}],"created":1774300000,"id":"chatcmpl-abcdef01","model":"gpt-4o","object":' +
  '"chat.completion","usage":{"completion_tokens":8,"prompt_tokens":10,"total_tokens":18}}\n'

/** Content events in one streamed answer. */
export const contentEvents = 100

/** Events in one streamed answer as the upstream sends it: content, finish, usage, terminator. */
export const streamEvents = contentEvents + 3

/** The data of every event of a streamed answer, about 200 bytes per content event. */
export const streamAnswer = (): readonly string[] => {
  const frame = (choices: string, usage: string): string =>
    `{"id":"chatcmpl-abcdef01","object":"chat.completion.chunk","created":1774300000,"model":"gpt-4o",` +
    `"choices":${choices},"usage":${usage}}`
  const content = Array.from({ length: contentEvents }, (_, index) =>
    frame(`[{"index":0,"delta":{"content":" word${index}"},"finish_reason":null}]`, 'null'),
  )
  return [
    ...content,
    frame('[{"index":0,"delta":{},"finish_reason":"stop"}]', 'null'),
    frame('[]', `{"prompt_tokens":10,"completion_tokens":${contentEvents},"total_tokens":${contentEvents + 10}}`),
    '[DONE]',
  ]
}

/** What is asked for behind a generic route. */
export const plainPaths = {
  small: '/small',
  large: '/large',
  upload: '/upload',
  burst: '/events/burst',
  paced: '/events/paced',
  echo: '/echo',
} as const

const filler = (bytes: number): string => '0123456789abcdef'.repeat(bytes / 16)

/** Answer bodies of generic routes, of 1 KB and 100 KB. */
export const smallAnswer = filler(1024)
export const largeAnswer = filler(102_400)

/** Request bodies of generic routes, of 100 KB and 1 MB. */
export const largeRequest = filler(102_400)
export const uploadRequest = filler(1_048_576)

/** The answer to an upload says how many bytes came. */
export const uploadAnswer = (bytes: number): string => `{"received":${bytes}}`

/** The events of a generic route, about 200 bytes each. */
export const plainEvents = (): readonly string[] =>
  Array.from({ length: contentEvents }, (_, index) => `id: ${index}\ndata: ${filler(176)}\n\n`)

/** Payload of one WebSocket message. */
export const echoMessage = Buffer.from(filler(112))
