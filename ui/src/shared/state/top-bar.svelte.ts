/** What the open screen adds to the top bar: the last part of the crumb and a remark at the right. */
class TopBar {
  leaf = $state('');
  note = $state('');
}

export const topBar = new TopBar();

/** Shows a screen's words in the top bar while the calling component lives. */
export function useTopBar(words: () => { leaf?: string; note?: string }): void {
  $effect(() => {
    const { leaf = '', note = '' } = words();
    topBar.leaf = leaf;
    topBar.note = note;
    return () => {
      topBar.leaf = '';
      topBar.note = '';
    };
  });
}
