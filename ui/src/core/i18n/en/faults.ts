/** What is wrong with a file or folder. */
export const faults = {
  'fault.empty': 'the file is empty',
  'fault.not_an_image': 'not an image, or its beginning is damaged',
  'fault.unsupported_image':
    'this sort of image is not read: convert it to JPEG, PNG, BMP, WebP or 8-bit TIFF',
  'fault.damaged': 'the image is damaged',
  'fault.too_large': 'too large',
  'fault.hidden': 'a hidden file',
  'fault.image_left_out': 'its image was left out',
  'fault.no_images': 'There is no image in it. JPEG, PNG, BMP, WebP and 8-bit TIFF are read.',
} as const;
