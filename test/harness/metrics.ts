/** One sample of a Prometheus text. */
export interface MetricSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/gy

/** All samples of a Prometheus text 0.0.4; throws for a line that is none. */
export function parseMetrics(text: string): MetricSample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseSample)
}

function parseSample(line: string): MetricSample {
  const match = SAMPLE.exec(line)
  if (!match) throw new Error(`not a sample: ${line}`)
  const [, name = '', labelText = '', valueText = ''] = match
  const labels: Record<string, string> = {}
  let end = 0
  LABEL.lastIndex = 0
  for (let label = LABEL.exec(labelText); label; label = LABEL.exec(labelText)) {
    const [, key = '', value = ''] = label
    labels[key] = value.replace(/\\(.)/g, (_all, char: string) => (char === 'n' ? '\n' : char))
    end = LABEL.lastIndex
  }
  if (end !== labelText.length) throw new Error(`not a list of labels: ${labelText}`)
  return { name, labels, value: Number(valueText.replace('Inf', 'Infinity')) }
}

/** The samples with this name whose labels include the given ones. */
export function findSamples(
  samples: readonly MetricSample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): MetricSample[] {
  return samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )
}
