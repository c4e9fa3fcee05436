/** One cell of the matrix: `count` samples that truly are `actual` and were predicted as `predicted`. */
export interface Cell {
  readonly actual: number;
  readonly predicted: number;
  readonly count: number;
  /** Share of the samples that truly are `actual`, 0–1; null for a class without samples. */
  readonly rowShare: number | null;
  readonly right: boolean;
}

/** The matrix as rows of cells, from counts `[actual][predicted]`. */
export function confusionRows(confusion: readonly (readonly number[])[]): Cell[][] {
  return confusion.map((row, actual) => {
    const total = sum(row);
    return row.map((count, predicted) => ({
      actual,
      predicted,
      count,
      rowShare: total > 0 ? count / total : null,
      right: actual === predicted,
    }));
  });
}

/** How strongly a cell is tinted, 0–1: its share of the row, and at least a little for any mistake at all. */
export function tint(cell: Cell): number {
  if (cell.count === 0 || cell.rowShare === null) return 0;
  return cell.right ? 0.25 + 0.75 * cell.rowShare : Math.max(0.3, Math.sqrt(cell.rowShare));
}

export function mistakeCount(confusion: readonly (readonly number[])[]): number {
  return sum(confusion.map((row, actual) => sum(row) - (row[actual] ?? 0)));
}

/** The cell that a key leads to, kept inside the matrix; null for other keys. */
export function moveInMatrix(
  key: string,
  actual: number,
  predicted: number,
  size: number,
): [number, number] | null {
  const clamp = (value: number): number => Math.min(size - 1, Math.max(0, value));
  switch (key) {
    case 'ArrowUp':
      return [clamp(actual - 1), predicted];
    case 'ArrowDown':
      return [clamp(actual + 1), predicted];
    case 'ArrowLeft':
      return [actual, clamp(predicted - 1)];
    case 'ArrowRight':
      return [actual, clamp(predicted + 1)];
    case 'Home':
      return [actual, 0];
    case 'End':
      return [actual, size - 1];
    default:
      return null;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
