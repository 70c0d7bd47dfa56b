import { sdk } from './sdk'

// Spark Control is optional, and its address is typed in: see docs/startos.md.
export const setDependencies = sdk.setupDependencies(async () => ({}))
