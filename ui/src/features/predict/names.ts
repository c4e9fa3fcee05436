/** What the name of an answer needs of a file that was given. */
export interface GivenFile {
  readonly relative_path: string;
}

const slashed = (path: string): string => path.replaceAll('\\', '/');

/** The last part of a path of either kind. */
export function baseName(path: string): string {
  return slashed(path).split('/').filter(Boolean).at(-1) ?? path;
}

/**
 * The given file that an answer is about. The application names uploaded files by the path they were kept at, which ends
 * in the path they had when they were given; of several such the longest is meant.
 */
export function fileOf<F extends GivenFile>(name: string, files: readonly F[]): F | undefined {
  const path = `/${slashed(name)}`;
  let found: F | undefined;
  for (const file of files) {
    if (!path.endsWith(`/${slashed(file.relative_path)}`)) continue;
    if (!found || file.relative_path.length > found.relative_path.length) found = file;
  }
  return found;
}

/** What a person calls it: the path they gave where it is known, else the last part. */
export function shownName(name: string, files: readonly GivenFile[]): string {
  return fileOf(name, files)?.relative_path ?? baseName(name);
}

/** What the application looks at within a folder or an upload. */
export const IMAGE_EXTENSIONS: readonly string[] = ['jpg', 'jpeg', 'png', 'bmp', 'webp', 'tif', 'tiff'];

export function isImageName(path: string): boolean {
  const name = baseName(path);
  const dot = name.lastIndexOf('.');
  return dot >= 0 && IMAGE_EXTENSIONS.includes(name.slice(dot + 1).toLowerCase());
}
