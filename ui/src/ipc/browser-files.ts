import type { PickedFile } from './adapter';

/** Opens the browser's own dialog. Resolves with nothing when it is cancelled. */
export function filesFromInput(folder: boolean, extensions: readonly string[] = []): Promise<PickedFile[]> {
  return new Promise((resolve) => {
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = true;
    input.webkitdirectory = folder;
    input.accept = extensions.map((extension) => `.${extension}`).join(',');
    input.style.display = 'none';
    input.dataset['testid'] = folder ? 'pick-folder' : 'pick-files';
    const done = (): void => {
      input.remove();
      resolve(
        [...(input.files ?? [])].map((file) => ({
          file,
          relative_path: file.webkitRelativePath || file.name,
        })),
      );
    };
    input.onchange = done;
    input.oncancel = done;
    // In the document, or browser tests (and some browsers) cannot see it.
    document.body.append(input);
    input.click();
  });
}

/** Files of a drop, folders walked, with their paths inside what was dropped. */
export async function filesFromDrop(transfer: DataTransfer): Promise<PickedFile[]> {
  // Entries must be taken before the first await: the list is emptied when the event handler returns.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...transfer.files];
  const files: PickedFile[] = [];
  if (entries.every((entry) => entry === null)) {
    return plain.map((file) => ({ file, relative_path: file.name }));
  }
  for (const entry of entries) if (entry) await walk(entry, '', files);
  return files;
}

async function walk(entry: FileSystemEntry, folder: string, into: PickedFile[]): Promise<void> {
  const relative_path = folder + entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    into.push({ file, relative_path });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A reader gives at most 100 entries a time, and an empty list at the end.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (batch.length === 0) return;
    for (const child of batch) await walk(child, `${relative_path}/`, into);
  }
}
