import { type Gate, GatewayError, WAIT } from '../../../core/index.ts'
import { writeJson } from '../../ir/json.ts'
import { Losses } from '../../ir/losses.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { FormCodec } from '../codec.ts'
import type { Operation } from '../operation.ts'
import { operationRouting, type PrepareOperation, servingAt } from '../operation-attempts.ts'
import { chooseTargets } from '../operation-route.ts'
import { OperationState } from '../operation-state.ts'
import { beginForm } from './form-head.ts'
import { FormUpload } from './form-upload.ts'

const MAX_MODEL_NAME = 256

/** The gate that reads a form until its model is known; the last one, since bytes are taken only of who may send them. */
export function createFormGate(bodyLimit: number): Gate {
  return (x) => {
    const boundary = beginForm(x, bodyLimit)
    if (boundary instanceof GatewayError) return boundary
    const upload = new FormUpload(x, boundary, bodyLimit)
    x.surface = upload
    upload.body.start()
    return WAIT
  }
}

/** The `inspect` hook of an operation whose requests are forms. */
export function createFormInspect(registry: ModelRegistry, operation: Operation): Gate {
  const routing = operationRouting(registry, operation, prepareForm)
  return (x) => {
    const { surface: upload } = x
    if (!(upload instanceof FormUpload)) throw new Error(`${operation.name} has a gate that reads its form`)
    const { model: named, n, stream } = upload.fields
    const model = named ?? operation.defaultModel
    if (model === null || model === '') {
      return new GatewayError('invalid_request', 'The form must have a field "model" with a name in it.', {
        param: 'model',
      })
    }
    if (model.length > MAX_MODEL_NAME) {
      const message = `"model" must be at most ${MAX_MODEL_NAME} characters.`
      return new GatewayError('invalid_request', message, { param: 'model' })
    }
    const facts = {
      model,
      stream: stream === 'true',
      textBytes: 0,
      characters: 0,
      count: countOf(n),
      uploadBytes: Math.max(0, x.head.contentLength),
    }
    if (!upload.body.complete && wantsWhole(registry, model, operation)) {
      upload.collect()
      return WAIT
    }
    const state = new OperationState(operation, facts)
    state.form = upload
    x.surface = state
    x.wantsStream = facts.stream
    return chooseTargets(x, registry, { state, routing })
  }
}

/** Whether some target of a model takes no form: it is put into other words, and those are made of the whole. */
function wantsWhole(registry: ModelRegistry, model: string, operation: Operation): boolean {
  const group = registry.resolve(model)
  if (group === null) return false
  const targets = group.canary === null ? group.targets : [...group.targets, group.canary.target]
  return targets.some(({ target }) => (servingAt(target, operation)?.form ?? null) !== null)
}

/** The form as it arrives, under the provider's name of the model; or all of it in other words. */
const prepareForm: PrepareOperation = (_x, state, { model, serving }) => {
  const { form, operation } = state
  if (form === null) throw new Error(`${operation.name} has a gate that reads its form`)
  if (form.fields.model === null && model !== operation.defaultModel) {
    const message = 'The form must have a field "model": the default is served under another name here.'
    return new GatewayError('invalid_request', message, { param: 'model' })
  }
  if (serving.form !== null) return putIntoWords(state, form, { model, encode: serving.form })
  form.rename(model)
  state.source = form.body
  return null
}

function putIntoWords(
  state: OperationState,
  { parts }: FormUpload,
  { model, encode }: { readonly model: string; readonly encode: FormCodec },
): GatewayError | null {
  if (parts === null) throw new Error('the form was not kept')
  if (state.facts.stream) {
    const message = 'This model does not stream its results at this endpoint; leave "stream" out.'
    return new GatewayError('invalid_request', message, { param: 'stream' })
  }
  const losses = new Losses()
  const body = encode(parts, { model, losses })
  if (body instanceof GatewayError) return body
  state.losses = losses
  state.body = Buffer.from(writeJson(body))
  return null
}

/** Pictures asked for; a wrong number is for the upstream to refuse. */
function countOf(n: string | null): number {
  const count = n === null ? 1 : Number(n)
  return Number.isSafeInteger(count) && count > 0 && count <= 10_000 ? count : 1
}
