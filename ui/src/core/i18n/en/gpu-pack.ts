export const gpuPack = {
  'gpu_pack.title': 'GPU pack',
  'gpu_pack.text':
    'NVIDIA’s libraries that training on an NVIDIA card needs. Without them VisAIon computes on the processor.',
  'gpu_pack.helps': 'This machine’s driver is ready and the libraries are missing: the pack brings them.',
  'gpu_pack.no_gain': 'This machine cannot use it now; what is missing is said above.',
  'gpu_pack.unsupported':
    'There is no pack for this kind of machine. Install NVIDIA’s CUDA 13 toolkit and cuDNN 9, and name their folder above.',
  'gpu_pack.installed': 'installed',
  'gpu_pack.not_installed': 'not installed',
  'gpu_pack.damaged': 'damaged',
  'gpu_pack.partly': '{done} of {total} are here',
  'gpu_pack.working': '{phase} {done} of {total}',
  'gpu_pack.phase.downloading': 'downloading',
  'gpu_pack.phase.unpacking': 'unpacking',
  'gpu_pack.phase.checking': 'checking',
  'gpu_pack.phase.copying': 'copying',
  'gpu_pack.waiting': 'waiting to begin',
  'gpu_pack.size': '{download} to download, {installed} on the disk',
  'gpu_pack.version': '{version} · {size}',
  'gpu_pack.update': 'Another version can be installed: {version}',
  'gpu_pack.damaged_text':
    'These files are not what they should be: {files}. Install the pack again to mend it.',
  'gpu_pack.contents': 'What is in it',
  'gpu_pack.download': 'Download…',
  'gpu_pack.go_on': 'Go on…',
  'gpu_pack.repair': 'Download again…',
  'gpu_pack.from_file': 'From a file…',
  'gpu_pack.from_folder': 'From a folder…',
  'gpu_pack.one_file':
    'Choose one file: a ZIP file of the pack, or one of NVIDIA’s wheels. A folder takes several.',
  'gpu_pack.verify': 'Verify',
  'gpu_pack.remove': 'Remove…',
  'gpu_pack.remove_title': 'Remove the GPU pack?',
  'gpu_pack.remove_text':
    'Training then uses the processor, unless the libraries are found elsewhere. Files that VisAIon has loaded go after it was closed.',
  'gpu_pack.removed': 'The GPU pack was removed',
  'gpu_pack.verified': 'Every file of the GPU pack is what it should be',
  'gpu_pack.dialog_title': 'Download NVIDIA’s libraries?',
  'gpu_pack.dialog_network':
    'VisAIon uses the network for this download only. Nothing of yours is sent. You can also bring the files on a disk.',
  'gpu_pack.dialog_licences':
    'They are NVIDIA’s property and come under NVIDIA’s licences, not under that of VisAIon. Read them before you agree:',
  'gpu_pack.dialog_check': 'Each file is checked with its SHA-256 before anything is unpacked.',
  'gpu_pack.agree': 'I have read NVIDIA’s licences and agree to them',
  'gpu_pack.start_download': 'Download',
} as const;
