import { setupManifest } from '@start9labs/start-sdk'
import { long, short, sparkDescription } from './i18n'

export const manifest = setupManifest({
  id: 'venture-crm',
  title: 'Venture CRM',
  license: 'MIT OR Apache-2.0',
  packageRepo: '',
  upstreamRepo: '',
  marketingUrl: '',
  donationUrl: null,
  description: { short, long },
  // `startos` holds settings and secrets; no container mounts it.
  volumes: ['main', 'startos'],
  images: {
    crm: {
      source: { dockerBuild: { workdir: '..', dockerfile: 'Dockerfile' } },
      arch: ['x86_64', 'aarch64'],
    },
  },
  dependencies: {
    'spark-control': {
      description: sparkDescription,
      optional: true,
      metadata: { title: 'Spark Control', icon: '' },
    },
  },
})
