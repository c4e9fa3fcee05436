/** NVIDIA cards: why one cannot be used, and who else uses it. */
export const gpu = {
  'gpu.driver_missing':
    'No NVIDIA driver was found (its library {library} is missing); training uses the CPU. If this machine has an NVIDIA card, install its driver.',
  'gpu.driver_not_loaded':
    'The NVIDIA driver is installed but not loaded; restart the machine, or check that a card is present.',
  'gpu.driver_replaced':
    'The NVIDIA driver was updated while it ran; restart the machine to use the new one.',
  'gpu.driver_refuses': 'This user may not read the NVIDIA driver.',
  'gpu.driver_silent':
    'The NVIDIA driver does not answer (status {status}); restart the machine, or install it again.',
  'gpu.driver_foreign': '{library} is not the NVIDIA driver’s library; install the driver again.',
  'gpu.driver_too_old':
    'The NVIDIA driver is too old: it supports CUDA {supported}, and CUDA {required} is needed. Install driver {driver} or newer; training uses the CPU until then.',
  'gpu.driver_error': 'The NVIDIA driver answers with an error.',
  'gpu.no_card': 'The NVIDIA driver {driver} is installed, but reports no GPU.',
  'gpu.card_lost': 'The GPU stopped answering; restart the machine.',
  'gpu.card_unreadable': 'GPU {index} cannot be read: {cause}',
  'gpu.card_unusable':
    'The GPU engine found no GPU that it can use. Training uses the CPU; it is tried again when VisAIon is started anew.',
  'gpu.libraries_missing':
    'The NVIDIA driver is ready, but CUDA libraries are missing: {files}. Install the GPU pack, or name a folder that holds them (a CUDA 13 toolkit, or a Python environment with NVIDIA’s packages) in the settings.',
  'gpu.library_of_other_version':
    '{library} was made for CUDA {found}, and CUDA {required} is needed. Install the GPU pack, or name a folder with libraries for CUDA {required} in the settings; training uses the CPU until VisAIon is started anew.',
  'gpu.engine_missing':
    'The GPU engine ({file}) does not lie beside this program; install VisAIon’s GPU package.',
  'gpu.engine_unusable':
    'The GPU engine cannot be used. Training uses the CPU; it is tried again when VisAIon is started anew.',
  'gpu.reported': 'Reported: {words}',

  'gpu.other_named': 'Another program ({name})',
  'gpu.other_unnamed': 'Another program (process {pid})',
  'gpu.other_uses': '{who} uses {bytes} of this card.',
  'gpu.other_uses_some': '{who} uses this card too; the driver does not say how much of it.',
  'gpu.others_use': '{n} other programs use {bytes} of this card: {list}.',
  'gpu.others_use_some': '{n} other programs use this card: {list}. The driver does not say how much of it.',
  'gpu.program_unnamed': 'process {pid}',
  'gpu.list_separator': ', ',
  'gpu.list_more': '{list} and more',
} as const;
