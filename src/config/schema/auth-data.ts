/** The file of `ferro auth serve`: who there is, and what each may do. */
import * as z from 'zod'

const id = z.string().min(1).max(200)
const text = z.string().max(1024)

/** Part of where somebody belongs, such as `organization_id: acme`. */
const context = z.record(text, text)
const tenantOf = z.union([id, context], { error: 'expected the id of a tenant, or its fields' })

const subject = z.strictObject({
  type: z.enum(['api_key', 'user', 'service_account']),
  id,
})

export const authData = z.strictObject({
  tenants: z
    .array(
      z.strictObject({ id, name: text.optional(), enabled: z.boolean().default(true), context: context.prefault({}) }),
    )
    .prefault([]),
  api_keys: z
    .array(
      z.strictObject({
        id,
        name: text.optional(),
        /** Itself, or one of the hashes that `ferro hash-key` prints. */
        secret: z.string().min(1).max(1024),
        enabled: z.boolean().default(true),
        tenant: tenantOf,
        scopes: z.array(text).prefault([]),
        /** Who holds it; absent: the key is who it is. */
        subject: subject.optional(),
      }),
    )
    .prefault([]),
  roles: z
    .array(
      z.strictObject({
        id,
        name: text.optional(),
        permissions: z.array(z.strictObject({ action: text.min(1), resource: text.min(1) })),
      }),
    )
    .prefault([]),
  bindings: z
    .array(
      z.strictObject({
        id,
        role_id: id,
        /** A field that is missing means any. */
        tenant: tenantOf.optional(),
        subject: z.strictObject({ type: subject.shape.type.optional(), id: id.optional() }).prefault({}),
      }),
    )
    .prefault([]),
})
