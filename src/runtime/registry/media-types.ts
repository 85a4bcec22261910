/** Media types of images: https://github.com/opencontainers/image-spec and Docker's image manifest version 2. */

export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';
export const OCI_LAYER_GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
export const OCI_LAYER_ZSTD = 'application/vnd.oci.image.layer.v1.tar+zstd';

export const DOCKER_MANIFEST_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
export const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar';
export const DOCKER_LAYER_GZIP = 'application/vnd.docker.image.rootfs.diff.tar.gzip';

/** Schema 1, which Docker itself refuses since version 26. */
export const DOCKER_SCHEMA1 = 'application/vnd.docker.distribution.manifest.v1+json';
export const DOCKER_SCHEMA1_SIGNED = 'application/vnd.docker.distribution.manifest.v1+prettyjws';

/** What a manifest request accepts, most wanted first. */
export const MANIFEST_TYPES: readonly string[] = [
  OCI_INDEX,
  DOCKER_MANIFEST_LIST,
  OCI_MANIFEST,
  DOCKER_MANIFEST,
];

export const isIndexType = (type: string): boolean => type === OCI_INDEX || type === DOCKER_MANIFEST_LIST;

export const isManifestType = (type: string): boolean => type === OCI_MANIFEST || type === DOCKER_MANIFEST;

export const isSchema1Type = (type: string): boolean =>
  type === DOCKER_SCHEMA1 || type === DOCKER_SCHEMA1_SIGNED;

/** True for a layer that containerd's differ can apply. Foreign (Windows) and encrypted layers are none. */
export function isLayerType(type: string): boolean {
  return [OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, DOCKER_LAYER, DOCKER_LAYER_GZIP].includes(type);
}
