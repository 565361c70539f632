import type { ConfigDocument } from '../config/index.ts'

/**
 * Whether clients of this document need virtual keys, so that a first one is made at the first start. A document of
 * routes alone, none of which asks for keys, is an HTTP gateway: nobody has a use for one.
 */
export function wantsKeys({ routes, providers, models, keys }: ConfigDocument): boolean {
  const ofModels = [...Object.keys(providers), ...Object.keys(models), ...keys]
  return routes.length === 0 || ofModels.length > 0 || routes.some(({ auth }) => auth?.keys !== undefined)
}
