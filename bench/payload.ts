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
