import { FileHelper, smtpShape, z } from '@start9labs/start-sdk'
import { sdk } from '../sdk'

// Every key has a default: a store written by an older version still reads.
export const storeShape = z.looseObject({
  secretKey: z.string().catch(''),
  baseUrl: z.string().catch(''),
  adminEmail: z.string().catch(''),
  smtp: smtpShape.catch({ selection: 'disabled', value: {} }),
  gmailKey: z.string().catch(''),
  sparkUrl: z.string().catch(''),
  sparkModel: z.string().catch(''),
})

export type Store = z.infer<typeof storeShape>

export const storeJson = FileHelper.json(
  { base: sdk.volumes.startos, subpath: './store.json' },
  storeShape,
)

export const emptyStore = (): Store => storeShape.parse({})
