// Generated from the command table of va_api by `cargo xtask codegen`. Do not edit.
import type { components } from './api';

type Schemas = components['schemas'];

export type Annotation = Schemas['Annotation'];
export type AnnotationCreateRequest = Schemas['AnnotationCreateRequest'];
export type AnnotationPage = Schemas['AnnotationPage'];
export type AnnotationRequest = Schemas['AnnotationRequest'];
export type AnnotationSource = Schemas['AnnotationSource'];
export type AnnotationUpdateRequest = Schemas['AnnotationUpdateRequest'];
export type ApiError = Schemas['ApiError'];
export type Arch = Schemas['Arch'];
export type AuditEntry = Schemas['AuditEntry'];
export type AuditListRequest = Schemas['AuditListRequest'];
export type AuditPage = Schemas['AuditPage'];
export type Augmentation = Schemas['Augmentation'];
export type AugmentationInput = Schemas['AugmentationInput'];
export type BinaryCounts = Schemas['BinaryCounts'];
export type Certificate = Schemas['Certificate'];
export type CertificateVerdict = Schemas['CertificateVerdict'];
export type Change = Schemas['Change'];
export type ChangeInput = Schemas['ChangeInput'];
export type ClassBalance = Schemas['ClassBalance'];
export type ClassExplanation = Schemas['ClassExplanation'];
export type ClassMetrics = Schemas['ClassMetrics'];
export type ClassMistake = Schemas['ClassMistake'];
export type ClassProbability = Schemas['ClassProbability'];
export type ClassSeparator = Schemas['ClassSeparator'];
export type Code = Schemas['Code'];
export type CpuUsage = Schemas['CpuUsage'];
export type CsvFile = Schemas['CsvFile'];
export type CsvShape = Schemas['CsvShape'];
export type CudaLibrary = Schemas['CudaLibrary'];
export type CudaPlace = Schemas['CudaPlace'];
export type CudaStatus = Schemas['CudaStatus'];
export type Dataset = Schemas['Dataset'];
export type DatasetCreateRequest = Schemas['DatasetCreateRequest'];
export type DatasetDeleteRequest = Schemas['DatasetDeleteRequest'];
export type DatasetExportRequest = Schemas['DatasetExportRequest'];
export type DatasetFreezeRequest = Schemas['DatasetFreezeRequest'];
export type DatasetListRequest = Schemas['DatasetListRequest'];
export type DatasetPage = Schemas['DatasetPage'];
export type DatasetRequest = Schemas['DatasetRequest'];
export type DatasetSplitRequest = Schemas['DatasetSplitRequest'];
export type DatasetUpdateRequest = Schemas['DatasetUpdateRequest'];
export type DatasetVersion = Schemas['DatasetVersion'];
export type DatasetVersionPage = Schemas['DatasetVersionPage'];
export type DatasetVersionsRequest = Schemas['DatasetVersionsRequest'];
export type DeviceChoice = Schemas['DeviceChoice'];
export type DeviceInfo = Schemas['DeviceInfo'];
export type DeviceKind = Schemas['DeviceKind'];
export type DiagnosticsRequest = Schemas['DiagnosticsRequest'];
export type Done = Schemas['Done'];
export type Entity = Schemas['Entity'];
export type Evaluation = Schemas['Evaluation'];
export type EvaluationCreateRequest = Schemas['EvaluationCreateRequest'];
export type EvaluationListRequest = Schemas['EvaluationListRequest'];
export type EvaluationPage = Schemas['EvaluationPage'];
export type EvaluationRequest = Schemas['EvaluationRequest'];
export type EvaluationSample = Schemas['EvaluationSample'];
export type EvaluationSamplePage = Schemas['EvaluationSamplePage'];
export type EvaluationSamplesRequest = Schemas['EvaluationSamplesRequest'];
export type EvaluationSummary = Schemas['EvaluationSummary'];
export type Event = Schemas['Event'];
export type ExchangeRequest = Schemas['ExchangeRequest'];
export type ExportFile = Schemas['ExportFile'];
export type ExportFormat = Schemas['ExportFormat'];
export type Facets = Schemas['Facets'];
export type FileFault = Schemas['FileFault'];
export type Forecast = Schemas['Forecast'];
export type Geometry = Schemas['Geometry'];
export type GpuPack = Schemas['GpuPack'];
export type GpuPackDownloadRequest = Schemas['GpuPackDownloadRequest'];
export type GpuPackInstallRequest = Schemas['GpuPackInstallRequest'];
export type GpuPackState = Schemas['GpuPackState'];
export type GpuPackage = Schemas['GpuPackage'];
export type GpuProgram = Schemas['GpuProgram'];
export type GpuReason = Schemas['GpuReason'];
export type GpuReport = Schemas['GpuReport'];
export type GpuUsage = Schemas['GpuUsage'];
export type Health = Schemas['Health'];
export type HistoryState = Schemas['HistoryState'];
export type ImageSizes = Schemas['ImageSizes'];
export type ImportClass = Schemas['ImportClass'];
export type ImportFilesRequest = Schemas['ImportFilesRequest'];
export type ImportFormat = Schemas['ImportFormat'];
export type ImportOptions = Schemas['ImportOptions'];
export type ImportPreview = Schemas['ImportPreview'];
export type ImportReport = Schemas['ImportReport'];
export type InitialWeights = Schemas['InitialWeights'];
export type Job = Schemas['Job'];
export type JobCreateKind = Schemas['JobCreateKind'];
export type JobCreateRequest = Schemas['JobCreateRequest'];
export type JobKind = Schemas['JobKind'];
export type JobListRequest = Schemas['JobListRequest'];
export type JobMetrics = Schemas['JobMetrics'];
export type JobNotes = Schemas['JobNotes'];
export type JobPage = Schemas['JobPage'];
export type JobProgress = Schemas['JobProgress'];
export type JobRequest = Schemas['JobRequest'];
export type JobState = Schemas['JobState'];
export type JobUpdateRequest = Schemas['JobUpdateRequest'];
export type Label = Schemas['Label'];
export type LabelCreateRequest = Schemas['LabelCreateRequest'];
export type LabelListRequest = Schemas['LabelListRequest'];
export type LabelMergeRequest = Schemas['LabelMergeRequest'];
export type LabelMode = Schemas['LabelMode'];
export type LabelPage = Schemas['LabelPage'];
export type LabelRequest = Schemas['LabelRequest'];
export type LabelUpdateRequest = Schemas['LabelUpdateRequest'];
export type LabelledState = Schemas['LabelledState'];
export type Lineage = Schemas['Lineage'];
export type LoginRequest = Schemas['LoginRequest'];
export type Mask = Schemas['Mask'];
export type Me = Schemas['Me'];
export type MediaHash = Schemas['MediaHash'];
export type MemoryUsage = Schemas['MemoryUsage'];
export type MetricPoint = Schemas['MetricPoint'];
export type MetricSeries = Schemas['MetricSeries'];
export type Model = Schemas['Model'];
export type ModelCreateRequest = Schemas['ModelCreateRequest'];
export type ModelExplainRequest = Schemas['ModelExplainRequest'];
export type ModelExportFormat = Schemas['ModelExportFormat'];
export type ModelExportRequest = Schemas['ModelExportRequest'];
export type ModelListRequest = Schemas['ModelListRequest'];
export type ModelPage = Schemas['ModelPage'];
export type ModelPrecision = Schemas['ModelPrecision'];
export type ModelPredictRequest = Schemas['ModelPredictRequest'];
export type ModelRequest = Schemas['ModelRequest'];
export type ModelUpdateRequest = Schemas['ModelUpdateRequest'];
export type ModelVersion = Schemas['ModelVersion'];
export type ModelVersionPage = Schemas['ModelVersionPage'];
export type ModelVersionRequest = Schemas['ModelVersionRequest'];
export type ModelVersionsRequest = Schemas['ModelVersionsRequest'];
export type MultilabelSummary = Schemas['MultilabelSummary'];
export type NetworkDescription = Schemas['NetworkDescription'];
export type Nothing = Schemas['Nothing'];
export type OpKind = Schemas['OpKind'];
export type Optimiser = Schemas['Optimiser'];
export type Point = Schemas['Point'];
export type Polygon = Schemas['Polygon'];
export type Precision = Schemas['Precision'];
export type Prediction = Schemas['Prediction'];
export type Predictions = Schemas['Predictions'];
export type Preprocessing = Schemas['Preprocessing'];
export type Project = Schemas['Project'];
export type ProjectCreateRequest = Schemas['ProjectCreateRequest'];
export type ProjectDatasetRequest = Schemas['ProjectDatasetRequest'];
export type ProjectItemsRequest = Schemas['ProjectItemsRequest'];
export type ProjectListRequest = Schemas['ProjectListRequest'];
export type ProjectModelRequest = Schemas['ProjectModelRequest'];
export type ProjectPage = Schemas['ProjectPage'];
export type ProjectRequest = Schemas['ProjectRequest'];
export type ProjectUpdateRequest = Schemas['ProjectUpdateRequest'];
export type Rect = Schemas['Rect'];
export type RefreshRequest = Schemas['RefreshRequest'];
export type ResourceHistory = Schemas['ResourceHistory'];
export type ResourceSnapshot = Schemas['ResourceSnapshot'];
export type Role = Schemas['Role'];
export type Sample = Schemas['Sample'];
export type SampleCreateRequest = Schemas['SampleCreateRequest'];
export type SampleFilter = Schemas['SampleFilter'];
export type SampleListRequest = Schemas['SampleListRequest'];
export type SamplePage = Schemas['SamplePage'];
export type SamplePosition = Schemas['SamplePosition'];
export type SamplePositionRequest = Schemas['SamplePositionRequest'];
export type SampleProject = Schemas['SampleProject'];
export type SampleRequest = Schemas['SampleRequest'];
export type SampleSort = Schemas['SampleSort'];
export type SampleUpdateRequest = Schemas['SampleUpdateRequest'];
export type SampleWindow = Schemas['SampleWindow'];
export type SampleWindowRequest = Schemas['SampleWindowRequest'];
export type SamplesRequest = Schemas['SamplesRequest'];
export type SamplesSetLabelRequest = Schemas['SamplesSetLabelRequest'];
export type SamplesSetSplitRequest = Schemas['SamplesSetSplitRequest'];
export type ScheduleKind = Schemas['ScheduleKind'];
export type Settings = Schemas['Settings'];
export type SettingsInput = Schemas['SettingsInput'];
export type Split = Schemas['Split'];
export type SplitCounts = Schemas['SplitCounts'];
export type SplitOutcome = Schemas['SplitOutcome'];
export type SplitRatios = Schemas['SplitRatios'];
export type StorageUsage = Schemas['StorageUsage'];
export type Task = Schemas['Task'];
export type Theme = Schemas['Theme'];
export type Tokens = Schemas['Tokens'];
export type TrainForecastRequest = Schemas['TrainForecastRequest'];
export type TrainOptions = Schemas['TrainOptions'];
export type TrainPreset = Schemas['TrainPreset'];
export type TrainSettings = Schemas['TrainSettings'];
export type TrainSettingsInput = Schemas['TrainSettingsInput'];
export type Upload = Schemas['Upload'];
export type Version = Schemas['Version'];
export type Warning = Schemas['Warning'];
export type WarningReport = Schemas['WarningReport'];
export type WeightNames = Schemas['WeightNames'];
export type Weights = Schemas['Weights'];
export type WeightsDownloadRequest = Schemas['WeightsDownloadRequest'];
export type WeightsInstallRequest = Schemas['WeightsInstallRequest'];
export type WeightsPage = Schemas['WeightsPage'];
export type WeightsReport = Schemas['WeightsReport'];
export type WeightsRequest = Schemas['WeightsRequest'];
export type WeightsState = Schemas['WeightsState'];
export type WrittenFile = Schemas['WrittenFile'];

/** Request and answer of every command. */
export interface CommandTypes {
  /** Projects. */
  project_list: { request: ProjectListRequest; response: ProjectPage };
  /** Make a project. */
  project_create: { request: ProjectCreateRequest; response: Project };
  /** One project. */
  project_get: { request: ProjectRequest; response: Project };
  /** Rename or describe a project. */
  project_update: { request: ProjectUpdateRequest; response: Project };
  /** Delete a project; its datasets and models stay. */
  project_delete: { request: ProjectRequest; response: Done };
  /** Datasets linked to a project. */
  project_datasets: { request: ProjectItemsRequest; response: DatasetPage };
  /** Link a dataset to a project. */
  project_link_dataset: { request: ProjectDatasetRequest; response: Done };
  /** Take a dataset out of a project; the dataset stays. */
  project_unlink_dataset: { request: ProjectDatasetRequest; response: Done };
  /** Models linked to a project. */
  project_models: { request: ProjectItemsRequest; response: ModelPage };
  /** Link a model to a project. */
  project_link_model: { request: ProjectModelRequest; response: Done };
  /** Take a model out of a project; the model stays. */
  project_unlink_model: { request: ProjectModelRequest; response: Done };
  /** Make a project over the bundled sample images. */
  project_create_sample: { request: Nothing; response: SampleProject };
  /** Datasets. */
  dataset_list: { request: DatasetListRequest; response: DatasetPage };
  /** Make an empty dataset. */
  dataset_create: { request: DatasetCreateRequest; response: Dataset };
  /** One dataset with its counts. */
  dataset_get: { request: DatasetRequest; response: Dataset };
  /** Rename or describe a dataset. */
  dataset_update: { request: DatasetUpdateRequest; response: Dataset };
  /** Delete a dataset; refused while a model needs it, unless forced. */
  dataset_delete: { request: DatasetDeleteRequest; response: Done };
  /** Counts by class, split and labelled state. */
  dataset_facets: { request: DatasetRequest; response: Facets };
  /** Split into train, validation and test: stratified by class, the same seed gives the same split. */
  dataset_split: { request: DatasetSplitRequest; response: SplitOutcome };
  /** Frozen versions, newest first. */
  dataset_versions: { request: DatasetVersionsRequest; response: DatasetVersionPage };
  /** Freeze the dataset as it is; unchanged since the newest version, that one is given. */
  dataset_freeze: { request: DatasetFreezeRequest; response: DatasetVersion };
  /** Write the labels as CSV, or the images as a folder a class. */
  dataset_export: { request: DatasetExportRequest; response: Job };
  /** What undo and redo would do. */
  history_get: { request: DatasetRequest; response: HistoryState };
  /** Take back the last change. */
  history_undo: { request: DatasetRequest; response: HistoryState };
  /** Do the change again that was taken back. */
  history_redo: { request: DatasetRequest; response: HistoryState };
  /** Labels of a dataset by class index, all on one page. */
  label_list: { request: LabelListRequest; response: LabelPage };
  /** Add a label. */
  label_create: { request: LabelCreateRequest; response: Label };
  /** Rename or recolour a label. */
  label_update: { request: LabelUpdateRequest; response: Label };
  /** Give all samples of a label to another one and remove it. */
  label_merge: { request: LabelMergeRequest; response: Label };
  /** Remove a label with its annotations. */
  label_delete: { request: LabelRequest; response: Done };
  /** Samples of a dataset, filtered and sorted, page by page. */
  sample_list: { request: SampleListRequest; response: SamplePage };
  /** Add one image; over HTTP also as the body, with the fields in the query. */
  sample_create: { request: SampleCreateRequest; response: Sample };
  /** Any stretch of the filtered and sorted samples. */
  sample_window: { request: SampleWindowRequest; response: SampleWindow };
  /** Where a sample stands among the filtered and sorted samples. */
  sample_position: { request: SamplePositionRequest; response: SamplePosition };
  /** One sample. */
  sample_get: { request: SampleRequest; response: Sample };
  /** Rename a sample or move it to a split. */
  sample_update: { request: SampleUpdateRequest; response: Sample };
  /** Delete a sample; undo brings it back. */
  sample_delete: { request: SampleRequest; response: Done };
  /** Delete samples in one undoable step. */
  samples_delete: { request: SamplesRequest; response: HistoryState };
  /** Set, add or clear the class of samples in one undoable step. */
  samples_set_label: { request: SamplesSetLabelRequest; response: HistoryState };
  /** Set or clear the split of samples in one undoable step. */
  samples_set_split: { request: SamplesSetSplitRequest; response: HistoryState };
  /** Annotations of a sample, all on one page. */
  annotation_list: { request: SampleRequest; response: AnnotationPage };
  /** Add an annotation. */
  annotation_create: { request: AnnotationCreateRequest; response: Annotation };
  /** Change an annotation. */
  annotation_update: { request: AnnotationUpdateRequest; response: Annotation };
  /** Remove an annotation. */
  annotation_delete: { request: AnnotationRequest; response: Done };
  /** What an import would do; nothing is changed. */
  import_preview: { request: ImportFilesRequest; response: ImportPreview };
  /** Import images; the job's result is an ImportReport. */
  import_start: { request: ImportFilesRequest; response: Job };
  /** Architectures, presets and devices. */
  train_options: { request: Nothing; response: TrainOptions };
  /** Memory and work of a training before it starts. */
  train_forecast: { request: TrainForecastRequest; response: Forecast };
  /** Pretrained weights: the catalogue and own files, all on one page. */
  weights_list: { request: Nothing; response: WeightsPage };
  /** One entry of the catalogue or own file. */
  weights_get: { request: WeightsRequest; response: Weights };
  /** Install a weight file; the job's result names it and says how it fits its architecture. */
  weights_install: { request: WeightsInstallRequest; response: Job };
  /** Download published weights, when their licence is agreed to; the job's result is that of an install. */
  weights_download: { request: WeightsDownloadRequest; response: Job };
  /** Remove an installed file or an unfinished download; refused while a run starts from it. */
  weights_delete: { request: WeightsRequest; response: Done };
  /** NVIDIA's libraries for training on a GPU: what they are, and whether they are installed. */
  gpu_pack_get: { request: Nothing; response: GpuPack };
  /** Install the GPU pack from files; the job's result is the pack as it then is. */
  gpu_pack_install: { request: GpuPackInstallRequest; response: Job };
  /** Download and install the GPU pack, when NVIDIA's licences are agreed to. */
  gpu_pack_download: { request: GpuPackDownloadRequest; response: Job };
  /** Read every byte of the installed GPU pack; the job fails where one is wrong, and the pack is not used then. */
  gpu_pack_verify: { request: Nothing; response: Job };
  /** Remove the GPU pack, or what came of one; refused while a job computes with it. */
  gpu_pack_delete: { request: Nothing; response: Done };
  /** Jobs, newest first. */
  job_list: { request: JobListRequest; response: JobPage };
  /** Start a training. */
  job_create: { request: JobCreateRequest; response: Job };
  /** One job. */
  job_get: { request: JobRequest; response: Job };
  /** Give a job another title. */
  job_update: { request: JobUpdateRequest; response: Job };
  /** Remove a finished job from the list. */
  job_delete: { request: JobRequest; response: Done };
  /** Stop a job for good. */
  job_cancel: { request: JobRequest; response: Job };
  /** Stop a job at a checkpoint so that it can go on. */
  job_pause: { request: JobRequest; response: Job };
  /** Let a stopped job go on from its checkpoint. */
  job_resume: { request: JobRequest; response: Job };
  /** The curves of a job. */
  job_metrics: { request: JobRequest; response: JobMetrics };
  /** What a job said while it ran. */
  job_notes: { request: JobRequest; response: JobNotes };
  /** Models. */
  model_list: { request: ModelListRequest; response: ModelPage };
  /** One model with its newest version. */
  model_get: { request: ModelRequest; response: Model };
  /** Take a deleted model back from its folder. */
  model_create: { request: ModelCreateRequest; response: Model };
  /** Rename a model. */
  model_update: { request: ModelUpdateRequest; response: Model };
  /** Delete a model with its versions. */
  model_delete: { request: ModelRequest; response: Done };
  /** Versions of a model, newest first. */
  model_versions: { request: ModelVersionsRequest; response: ModelVersionPage };
  /** One version of a model. */
  model_version_get: { request: ModelVersionRequest; response: ModelVersion };
  /** Where a version comes from and what was measured on it. */
  model_lineage: { request: ModelVersionRequest; response: Lineage };
  /** Classes and probabilities of images. */
  model_predict: { request: ModelPredictRequest; response: Predictions };
  /** Where in an image a class is seen (Grad-CAM). */
  model_explain: { request: ModelExplainRequest; response: ClassExplanation };
  /** The network of a version: drawing, parameters, multiply-adds, memory. */
  model_network: { request: ModelVersionRequest; response: NetworkDescription };
  /** Write the model as a file and prove it; the job's result is an ExportFile. */
  model_export: { request: ModelExportRequest; response: Job };
  /** Evaluate a model version; the job's result names the evaluation. */
  evaluation_create: { request: EvaluationCreateRequest; response: Job };
  /** Evaluations, newest first. */
  evaluation_list: { request: EvaluationListRequest; response: EvaluationPage };
  /** One evaluation: the numbers of every class, and of one class an image the confusion matrix. */
  evaluation_get: { request: EvaluationRequest; response: Evaluation };
  /** The samples behind a cell, a threshold or the errors. */
  evaluation_samples: { request: EvaluationSamplesRequest; response: EvaluationSamplePage };
  /** CPU, memory, GPUs and storage now. */
  resource_get: { request: Nothing; response: ResourceSnapshot };
  /** GPUs now. */
  resource_gpu: { request: Nothing; response: GpuReport };
  /** Memory now. */
  resource_memory: { request: Nothing; response: MemoryUsage };
  /** Storage now. */
  resource_storage: { request: Nothing; response: StorageUsage };
  /** The last five minutes of the machine. */
  resource_history: { request: Nothing; response: ResourceHistory };
  /** Settings of the user interface. */
  settings_get: { request: Nothing; response: Settings };
  /** Change the settings of the user interface. */
  settings_update: { request: SettingsInput; response: Settings };
  /** The audit log, newest first. */
  audit_list: { request: AuditListRequest; response: AuditPage };
  /** Versions of the application, the engine and this interface. */
  version_get: { request: Nothing; response: Version };
  /** Write a ZIP for a bug report: versions, log, statistics; no images. */
  diagnostics_write: { request: DiagnosticsRequest; response: WrittenFile };
}

export type CommandName = keyof CommandTypes;
export type RequestOf<N extends CommandName> = CommandTypes[N]['request'];
export type ResponseOf<N extends CommandName> = CommandTypes[N]['response'];

/** Where a command is found over HTTP, below `/api/v1`. */
export interface CommandRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** Fields of the request that stand in the path. */
  readonly pathParams: readonly string[];
}

export const COMMANDS: { readonly [N in CommandName]: CommandRoute } = {
  project_list: { method: 'GET', path: '/projects', pathParams: [] },
  project_create: { method: 'POST', path: '/projects', pathParams: [] },
  project_get: { method: 'GET', path: '/projects/{id}', pathParams: ['id'] },
  project_update: { method: 'PUT', path: '/projects/{id}', pathParams: ['id'] },
  project_delete: { method: 'DELETE', path: '/projects/{id}', pathParams: ['id'] },
  project_datasets: { method: 'GET', path: '/projects/{id}/datasets', pathParams: ['id'] },
  project_link_dataset: { method: 'POST', path: '/projects/{id}/datasets', pathParams: ['id'] },
  project_unlink_dataset: { method: 'DELETE', path: '/projects/{id}/datasets/{dataset_id}', pathParams: ['id', 'dataset_id'] },
  project_models: { method: 'GET', path: '/projects/{id}/models', pathParams: ['id'] },
  project_link_model: { method: 'POST', path: '/projects/{id}/models', pathParams: ['id'] },
  project_unlink_model: { method: 'DELETE', path: '/projects/{id}/models/{model_id}', pathParams: ['id', 'model_id'] },
  project_create_sample: { method: 'POST', path: '/projects/sample', pathParams: [] },
  dataset_list: { method: 'GET', path: '/datasets', pathParams: [] },
  dataset_create: { method: 'POST', path: '/datasets', pathParams: [] },
  dataset_get: { method: 'GET', path: '/datasets/{id}', pathParams: ['id'] },
  dataset_update: { method: 'PUT', path: '/datasets/{id}', pathParams: ['id'] },
  dataset_delete: { method: 'DELETE', path: '/datasets/{id}', pathParams: ['id'] },
  dataset_facets: { method: 'GET', path: '/datasets/{id}/facets', pathParams: ['id'] },
  dataset_split: { method: 'POST', path: '/datasets/{id}/split', pathParams: ['id'] },
  dataset_versions: { method: 'GET', path: '/datasets/{id}/versions', pathParams: ['id'] },
  dataset_freeze: { method: 'POST', path: '/datasets/{id}/versions', pathParams: ['id'] },
  dataset_export: { method: 'POST', path: '/datasets/{id}/export', pathParams: ['id'] },
  history_get: { method: 'GET', path: '/datasets/{id}/history', pathParams: ['id'] },
  history_undo: { method: 'POST', path: '/datasets/{id}/undo', pathParams: ['id'] },
  history_redo: { method: 'POST', path: '/datasets/{id}/redo', pathParams: ['id'] },
  label_list: { method: 'GET', path: '/datasets/{id}/labels', pathParams: ['id'] },
  label_create: { method: 'POST', path: '/datasets/{id}/labels', pathParams: ['id'] },
  label_update: { method: 'PUT', path: '/labels/{id}', pathParams: ['id'] },
  label_merge: { method: 'POST', path: '/labels/{id}/merge', pathParams: ['id'] },
  label_delete: { method: 'DELETE', path: '/labels/{id}', pathParams: ['id'] },
  sample_list: { method: 'GET', path: '/samples', pathParams: [] },
  sample_create: { method: 'POST', path: '/samples', pathParams: [] },
  sample_window: { method: 'POST', path: '/samples/window', pathParams: [] },
  sample_position: { method: 'POST', path: '/samples/position', pathParams: [] },
  sample_get: { method: 'GET', path: '/samples/{id}', pathParams: ['id'] },
  sample_update: { method: 'PUT', path: '/samples/{id}', pathParams: ['id'] },
  sample_delete: { method: 'DELETE', path: '/samples/{id}', pathParams: ['id'] },
  samples_delete: { method: 'POST', path: '/samples/delete', pathParams: [] },
  samples_set_label: { method: 'POST', path: '/samples/label', pathParams: [] },
  samples_set_split: { method: 'POST', path: '/samples/split', pathParams: [] },
  annotation_list: { method: 'GET', path: '/samples/{id}/annotations', pathParams: ['id'] },
  annotation_create: { method: 'POST', path: '/samples/{id}/annotations', pathParams: ['id'] },
  annotation_update: { method: 'PUT', path: '/samples/{id}/annotations/{annotation_id}', pathParams: ['id', 'annotation_id'] },
  annotation_delete: { method: 'DELETE', path: '/samples/{id}/annotations/{annotation_id}', pathParams: ['id', 'annotation_id'] },
  import_preview: { method: 'POST', path: '/datasets/{id}/import/preview', pathParams: ['id'] },
  import_start: { method: 'POST', path: '/datasets/{id}/import', pathParams: ['id'] },
  train_options: { method: 'GET', path: '/train/options', pathParams: [] },
  train_forecast: { method: 'POST', path: '/train/forecast', pathParams: [] },
  weights_list: { method: 'GET', path: '/weights', pathParams: [] },
  weights_get: { method: 'GET', path: '/weights/{name}', pathParams: ['name'] },
  weights_install: { method: 'POST', path: '/weights', pathParams: [] },
  weights_download: { method: 'POST', path: '/weights/{name}/download', pathParams: ['name'] },
  weights_delete: { method: 'DELETE', path: '/weights/{name}', pathParams: ['name'] },
  gpu_pack_get: { method: 'GET', path: '/gpu-pack', pathParams: [] },
  gpu_pack_install: { method: 'POST', path: '/gpu-pack', pathParams: [] },
  gpu_pack_download: { method: 'POST', path: '/gpu-pack/download', pathParams: [] },
  gpu_pack_verify: { method: 'POST', path: '/gpu-pack/verify', pathParams: [] },
  gpu_pack_delete: { method: 'DELETE', path: '/gpu-pack', pathParams: [] },
  job_list: { method: 'GET', path: '/jobs', pathParams: [] },
  job_create: { method: 'POST', path: '/jobs', pathParams: [] },
  job_get: { method: 'GET', path: '/jobs/{id}', pathParams: ['id'] },
  job_update: { method: 'PUT', path: '/jobs/{id}', pathParams: ['id'] },
  job_delete: { method: 'DELETE', path: '/jobs/{id}', pathParams: ['id'] },
  job_cancel: { method: 'POST', path: '/jobs/{id}/cancel', pathParams: ['id'] },
  job_pause: { method: 'POST', path: '/jobs/{id}/pause', pathParams: ['id'] },
  job_resume: { method: 'POST', path: '/jobs/{id}/resume', pathParams: ['id'] },
  job_metrics: { method: 'GET', path: '/jobs/{id}/metrics', pathParams: ['id'] },
  job_notes: { method: 'GET', path: '/jobs/{id}/notes', pathParams: ['id'] },
  model_list: { method: 'GET', path: '/models', pathParams: [] },
  model_get: { method: 'GET', path: '/models/{id}', pathParams: ['id'] },
  model_create: { method: 'POST', path: '/models', pathParams: [] },
  model_update: { method: 'PUT', path: '/models/{id}', pathParams: ['id'] },
  model_delete: { method: 'DELETE', path: '/models/{id}', pathParams: ['id'] },
  model_versions: { method: 'GET', path: '/models/{id}/versions', pathParams: ['id'] },
  model_version_get: { method: 'GET', path: '/models/{id}/versions/{number}', pathParams: ['id', 'number'] },
  model_lineage: { method: 'GET', path: '/models/{id}/versions/{number}/lineage', pathParams: ['id', 'number'] },
  model_predict: { method: 'POST', path: '/models/{id}/predict', pathParams: ['id'] },
  model_explain: { method: 'POST', path: '/models/{id}/explain', pathParams: ['id'] },
  model_network: { method: 'GET', path: '/models/{id}/versions/{number}/network', pathParams: ['id', 'number'] },
  model_export: { method: 'POST', path: '/models/{id}/versions/{number}/export', pathParams: ['id', 'number'] },
  evaluation_create: { method: 'POST', path: '/evaluations', pathParams: [] },
  evaluation_list: { method: 'GET', path: '/evaluations', pathParams: [] },
  evaluation_get: { method: 'GET', path: '/evaluations/{id}', pathParams: ['id'] },
  evaluation_samples: { method: 'GET', path: '/evaluations/{id}/samples', pathParams: ['id'] },
  resource_get: { method: 'GET', path: '/resources', pathParams: [] },
  resource_gpu: { method: 'GET', path: '/resources/gpu', pathParams: [] },
  resource_memory: { method: 'GET', path: '/resources/memory', pathParams: [] },
  resource_storage: { method: 'GET', path: '/resources/storage', pathParams: [] },
  resource_history: { method: 'GET', path: '/resources/history', pathParams: [] },
  settings_get: { method: 'GET', path: '/settings', pathParams: [] },
  settings_update: { method: 'PUT', path: '/settings', pathParams: [] },
  audit_list: { method: 'GET', path: '/audit', pathParams: [] },
  version_get: { method: 'GET', path: '/version', pathParams: [] },
  diagnostics_write: { method: 'POST', path: '/diagnostics', pathParams: [] },
};
