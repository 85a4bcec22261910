/** The JSON documents of which an image consists: OCI image specification 1.1, Docker's schema 2 has the same members. */

import type { HealthConfig } from '../../base/wire/index.ts';
import type { Platform } from './platform.ts';

/** Points to a blob by digest. `size` in bytes. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
  urls?: string[];
}

/** An index (manifest list): one image for several platforms. */
export interface ImageIndex {
  schemaVersion: 2;
  mediaType?: string;
  manifests: Array<Descriptor & { platform?: Platform }>;
}

/** The image of one platform. */
export interface ImageManifest {
  schemaVersion: 2;
  mediaType?: string;
  config: Descriptor;
  /** lowest first */
  layers: Descriptor[];
}

/** How the image wants to be run. Docker's members that OCI does not know (Healthcheck, OnBuild, Shell) are here too. */
export interface ImageRunConfig {
  User?: string;
  ExposedPorts?: Record<string, Record<string, never>> | null;
  Env?: string[] | null;
  Entrypoint?: string[] | null;
  Cmd?: string[] | null;
  Volumes?: Record<string, Record<string, never>> | null;
  WorkingDir?: string;
  Labels?: Record<string, string> | null;
  StopSignal?: string;
  Healthcheck?: HealthConfig | null;
  OnBuild?: string[] | null;
  Shell?: string[] | null;
  ArgsEscaped?: boolean;
  Hostname?: string;
  Domainname?: string;
  Image?: string;
}

/** One step of the image's making; `empty_layer` steps changed only the config. */
export interface ImageHistory {
  created?: string;
  created_by?: string;
  author?: string;
  comment?: string;
  empty_layer?: boolean;
}

/** The config blob. Its digest is the image ID. */
export interface ImageConfigFile {
  architecture: string;
  variant?: string;
  os: string;
  'os.version'?: string;
  'os.features'?: string[];
  created?: string;
  author?: string;
  docker_version?: string;
  comment?: string;
  config?: ImageRunConfig;
  container_config?: ImageRunConfig;
  container?: string;
  rootfs: {
    type: 'layers';
    /** digests of the uncompressed layers, lowest first */
    diff_ids: string[];
  };
  history?: ImageHistory[];
}
