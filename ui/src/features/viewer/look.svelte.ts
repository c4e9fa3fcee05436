/** How images are shown; kept from one image to the next, forgotten with the screen. */
export class Look {
  /** The view follows the window; false once a person has zoomed or panned. */
  fitting = $state(true);
  scale = $state(1);
  brightness = $state(1);
  contrast = $state(1);
  masks = $state(true);
  maskOpacity = $state(0.8);

  reset(): void {
    this.brightness = 1;
    this.contrast = 1;
    this.maskOpacity = 0.8;
  }
}
