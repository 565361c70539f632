import { counted } from './counted.ts'

/** What a started gateway tells the person who started it. */
export interface BannerFacts {
  readonly version: string
  readonly dataUrl: string
  /** Where each data listener is reached, by its name; `dataUrl` is that of `main`. */
  readonly listeners: Readonly<Record<string, string>>
  readonly controlUrl: string
  /** Path of the configuration file, or null. */
  readonly configSource: string | null
  /** How many there are. */
  readonly routes: number
  readonly upstreams: number
  /** False: clients of the routes need no virtual keys, and nothing else is configured. */
  readonly wantsKeys: boolean
  /** Names of the providers, the built-in one left out. */
  readonly providers: readonly string[]
  /** Name of an environment variable by which a provider is found. */
  readonly exampleVariable: string
  /** The secret of the key that was made now, or null. */
  readonly firstKey: string | null
  readonly adminTokenFile: string
  readonly dataDir: string
  /** The command that makes another key, as it works where the gateway was started. */
  readonly createKeyCommand: string
  /** False when the output goes to a file or a collector, which keep it. */
  readonly terminal: boolean
}

const MODEL = 'demo/demo-chat'

/** The text for a terminal; it holds the first key's secret, when there is one, and no other. */
export function renderBanner(facts: BannerFacts): string {
  return `Ferro Gateway ${facts.version}

${listeningText(facts)}
  Control     ${facts.controlUrl}  (metrics: ${facts.controlUrl}/metrics, admin API: ${facts.controlUrl}/admin/v1)
  Config      ${facts.configSource ?? 'no file: defaults, and providers by their environment variables'}
${routesText(facts)}  Providers   ${providersText(facts)}
  Data        ${facts.dataDir}  (admin token: ${facts.adminTokenFile})

${facts.wantsKeys ? invitation(facts) : ''}Documentation: README.md and docs/ beside the program; \`ferro help\` for the commands.
`
}

/** The address of every listener; of models is spoken where models are asked for. */
function listeningText({ dataUrl, listeners, wantsKeys }: BannerFacts): string {
  const base = wantsKeys ? `  (base URL of clients: ${reachable(dataUrl)}/v1)` : ''
  const others = Object.entries(listeners).filter(([name]) => name !== 'main')
  return [`  Listening   ${dataUrl}${base}`, ...others.map(([name, url]) => `              ${url}  (${name})`)].join(
    '\n',
  )
}

function routesText({ routes, upstreams }: BannerFacts): string {
  if (routes === 0) return ''
  const to = upstreams === 0 ? '' : `, ${counted(upstreams, 'upstream')}`
  return `  Routes      ${counted(routes, 'route')}${to}\n`
}

function invitation(facts: BannerFacts): string {
  return `${keyText(facts)}
Try it:

  ${curlLine(facts)}

Add "stream":true to the body, and -N to curl, to see the answer arrive word by word.
`
}

/** One line that works as pasted: with the new key in it, or with the one in $FERRO_KEY. */
export function curlLine({ dataUrl, firstKey }: Pick<BannerFacts, 'dataUrl' | 'firstKey'>): string {
  const body = JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'Hello!' }] })
  const credential = `Authorization: Bearer ${firstKey ?? '$FERRO_KEY'}`
  const url = `${reachable(dataUrl)}/v1/chat/completions`
  return `curl ${url} -H "${credential}" -H "Content-Type: application/json" -d '${body}'`
}

function providersText({ providers, configSource, exampleVariable, wantsKeys, createKeyCommand }: BannerFacts): string {
  if (!wantsKeys)
    return `none configured; with a key (${createKeyCommand}) the demo provider answers offline (${MODEL})`
  const demo = `the demo provider answers offline (${MODEL})`
  if (providers.length > 0) return `${providers.join(', ')}; ${demo}`
  const none =
    configSource === null ? `none found in the environment (${exampleVariable} and the like)` : 'none configured'
  return `${none}; ${demo}`
}

function keyText({ firstKey, createKeyCommand, terminal }: BannerFacts): string {
  if (firstKey === null) return `Clients need a virtual key, here as $FERRO_KEY. Make one: ${createKeyCommand}\n`
  return `A first key was made. It is shown this once, so store it now:

  ${firstKey}
${terminal ? '' : '\nThis output is no terminal: where it is kept, revoke this key and make another one.\n'}
Make another: ${createKeyCommand}
`
}

/** An address that stands for all of a machine's is none that a client can call everywhere. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}
