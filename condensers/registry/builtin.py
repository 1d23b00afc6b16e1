"""Where each built-in part is: name -> "module:Name", a table for each kind.

Listing them imports nothing.
"""

METHODS = {
    "dc": "condensers.methods.parameter_matching.dc:DC",
    "dsa": "condensers.methods.parameter_matching.dsa:DSA",
    "masked-dc": "condensers.methods.parameter_matching.masked:MaskedDC",
    "masked-dsa": "condensers.methods.parameter_matching.masked:MaskedDSA",
    "dm": "condensers.methods.distribution_matching.dm:DM",
    "dm-fast": "condensers.methods.distribution_matching.dm:DMFast",
    "dm-transform": "condensers.methods.distribution_matching.dm:DMTransform",
    "m3d": "condensers.methods.distribution_matching.m3d:M3D",
    "ncfm": "condensers.methods.distribution_matching.ncfm:NCFM",
    "semantic": "condensers.methods.distribution_matching.semantic:Semantic",
    "kfs": "condensers.methods.distribution_matching.kfs:KFS",
    "haba": "condensers.methods.parameter_matching.haba:HaBa",
    "fred": "condensers.methods.distribution_matching.fred:FreD",
    "ddif": "condensers.methods.distribution_matching.ddif:DDiF",
    "kip": "condensers.methods.performance_matching.kip:KIP",
    "rfad": "condensers.methods.performance_matching.kip:RFAD",
    "frepo": "condensers.methods.performance_matching.frepo:FRePo",
    "cafe": "condensers.methods.distribution_matching.cafe:CAFE",
    "datadam": "condensers.methods.distribution_matching.datadam:DataDAM",
    "idm": "condensers.methods.distribution_matching.idm:IDM",
    "dcc": "condensers.methods.parameter_matching.dcc:DCC",
    "idc": "condensers.methods.parameter_matching.idc:IDC",
    "dream": "condensers.methods.parameter_matching.idc:DREAM",
    "dream-plus": "condensers.methods.parameter_matching.idc:DREAMPlus",
    "dd": "condensers.methods.performance_matching.dd:DD",
    "mtt": "condensers.methods.parameter_matching.mtt:MTT",
    "tesla": "condensers.methods.parameter_matching.mtt:TESLA",
    "sre2l": "condensers.methods.distribution_matching.sre2l:SRe2L",
    "cda": "condensers.methods.distribution_matching.sre2l:CDA",
    "g-vbsm": "condensers.methods.distribution_matching.sre2l:GVBSM",
    "datm": "condensers.methods.parameter_matching.datm:DATM",
    "pad": "condensers.methods.parameter_matching.datm:PAD",
}
SELECTIONS = {
    "random": "condensers.selections.base:RandomSelection",
    "herding": "condensers.selections.geometry:Herding",
    "k-center": "condensers.selections.geometry:KCenter",
    "k-means": "condensers.selections.geometry:KMeansSelection",
    "k-means-centroids": "condensers.selections.geometry:KMeansCentroids",
    "forgetting": "condensers.selections.scores:Forgetting",
    "el2n": "condensers.selections.scores:EL2N",
    "grand": "condensers.selections.scores:GraNd",
    "margin": "condensers.selections.scores:Margin",
    "real-tiles": "condensers.selections.real_tiles:RealTiles",
    "random-soft": "condensers.selections.real_tiles:RandomSoft",
    "rded": "condensers.selections.rded:RDED",
    "real-jpeg": "condensers.selections.real_files:RealJPEG",
    "real-png": "condensers.selections.real_files:RealPNG",
    "real-transform": "condensers.selections.real_transform:RealTransform",
}
NETWORKS = {
    "convnet": "condensers.networks.convnet:ConvNetSpec",
    "mlp": "condensers.networks.mlp:MLPSpec",
    "lenet": "condensers.networks.lenet:LeNetSpec",
    "resnet18": "condensers.networks.resnet:ResNet18Spec",
    "resnet18-ap": "condensers.networks.resnet:ResNet18APSpec",
    "alexnet": "condensers.networks.alexnet:AlexNetSpec",
    "vgg11": "condensers.networks.vgg:VGG11Spec",
    "vit-tiny": "condensers.networks.vit:ViTSpec",
    "shrunk": "condensers.networks.wrappers:ShrunkSpec",
    "any-of": "condensers.networks.wrappers:AnyOfSpec",
}
PARAMETERISATIONS = {
    "pixels": "condensers.parts.parameterisations.pixels:Pixels",
    "tiles": "condensers.parts.parameterisations.tiles:Tiles",
    "latent": "condensers.parts.parameterisations.latent:Latent",
    "bases": "condensers.parts.parameterisations.bases:Bases",
    "frequencies": "condensers.parts.parameterisations.frequencies:Frequencies",
    "neural-fields": "condensers.parts.parameterisations.neural_fields:NeuralFields",
    "jpeg": "condensers.parts.parameterisations.jpeg.coefficients:JPEG",
    "compressed": "condensers.parts.parameterisations.compressed:Compressed",
    "transform": "condensers.parts.parameterisations.transform.coefficients:FullFrameDCT",
    "refined": "condensers.parts.parameterisations.refined:Refined",
    "regions": "condensers.parts.parameterisations.regions:Regions",
}
REFINERS = {"residual": "condensers.parts.refiners.residual:Residual"}
LABELS = {
    "hard": "condensers.parts.labels:Hard",
    "teacher": "condensers.parts.labels:Teacher",
    "learned": "condensers.parts.labels:LearnedLabels",
    "ensemble": "condensers.parts.taught_labels:Ensemble",
    "early-teacher": "condensers.parts.taught_labels:EarlyTeacher",
    "experts": "condensers.parts.expert_labels:ExpertLabels",
}
VIEWS = {
    "identity": "condensers.parts.views.base:Identity",
    "mask": "condensers.parts.views.mask_file:Mask",
    "attention": "condensers.parts.views.attention:AttentionMask",
    "saliency": "condensers.parts.views.saliency:Saliency",
    "background": "condensers.parts.views.background:Background",
    "semantic-mix": "condensers.parts.views.semantic_mix:SemanticMix",
    "view-schedule": "condensers.parts.views.view_schedule:ViewSchedule",
}
SAMPLERS = {
    "random": "condensers.parts.samplers:RandomSampler",
    "k-means": "condensers.parts.samplers:KMeansSampler",
    "stratified": "condensers.parts.samplers:StratifiedSampler",
}
AUGMENTATIONS = {
    "none": "condensers.parts.augmentations.dsa:NoAugmentation",
    "dsa": "condensers.parts.augmentations.dsa:Siamese",
    "crop": "condensers.parts.augmentations.crop:Crop",
    "resized-crop": "condensers.parts.augmentations.resized_crop:ResizedCrop",
}
OBJECTIVES = {
    "gradient": "condensers.parts.objectives.gradient:GradientMatching",
    "mean-embedding": "condensers.parts.objectives.mean_embedding:MeanEmbedding",
    "kernel-mmd": "condensers.parts.objectives.kernel_mmd:KernelMMD",
    "characteristic-function": (
        "condensers.parts.objectives.characteristic_function:CharacteristicFunction"
    ),
    "kernel-regression": "condensers.parts.objectives.kernel_regression:KernelRegression",
    "layer-means": "condensers.parts.objectives.layer_means:LayerMeans",
    "attention": "condensers.parts.objectives.attention:AttentionMatching",
    "summed-gradient": "condensers.parts.objectives.gradient:SummedGradient",
    "trajectory": "condensers.parts.objectives.trajectory:Trajectory",
    "unrolled": "condensers.parts.objectives.unrolled:Unrolled",
    "recovery": "condensers.parts.objectives.recovery:Recovery",
}
REGULARISERS = {
    "discriminative": "condensers.parts.regularisers.classification:Discriminative",
    "cross-entropy": "condensers.parts.regularisers.classification:CrossEntropy",
    "mean-embedding": "condensers.parts.regularisers.embedding:MeanEmbeddingTerm",
    "calibration": "condensers.parts.regularisers.classification:Calibration",
    "contrastive": "condensers.parts.regularisers.contrastive:Contrastive",
    "simclr": "condensers.parts.regularisers.contrastive:SimCLR",
    "diversity": "condensers.parts.regularisers.diversity:Diversity",
    "rate": "condensers.parts.regularisers.rate:Rate",
    "adversarial-contrast": "condensers.parts.regularisers.adversary:AdversarialContrast",
    "densification": "condensers.parts.regularisers.densification:Densification",
}
KERNELS = {
    "fc_ntk": "condensers.parts.objectives.kernels.neural_tangent:FullyConnectedNTK",
    "conv_ntk": "condensers.parts.objectives.kernels.neural_tangent:ConvolutionalNTK",
    "rf_nngp": "condensers.parts.objectives.kernels.features:RandomFeatureNNGP",
    "features": "condensers.parts.objectives.kernels.features:Features",
}
MODEL_SCHEDULES = {
    "fresh": "condensers.parts.model_schedules.random_networks:Fresh",
    "cached": "condensers.parts.model_schedules.random_networks:Cached",
    "none": "condensers.parts.model_schedules.base:NoNetwork",
    "pool": "condensers.parts.model_schedules.pool:Pool",
    "trained-on-synthetic": (
        "condensers.parts.model_schedules.trained_on_synthetic:TrainedOnSynthetic"
    ),
    "trained-on-real": "condensers.parts.model_schedules.trained_on_real:TrainedOnReal",
    "gated": "condensers.parts.model_schedules.gated:Gated",
    "queue": "condensers.parts.model_schedules.queue:Queue",
    "experts": "condensers.parts.model_schedules.expert_trajectories:Experts",
    "pretrained": "condensers.parts.model_schedules.pretrained:Pretrained",
    "blended": "condensers.parts.model_schedules.blended:Blended",
}
CURRICULA = {
    "all": "condensers.parts.curricula:EveryImage",
    "by-difficulty": "condensers.parts.curricula:ByDifficulty",
}
STOPS = {
    "never": "condensers.parts.stopping:Never",
    "validation": "condensers.parts.stopping:Validation",
}

# Kind -> the abstract base class that its parts derive from.
BASES = {
    "method": "condensers.condenser:Condenser",
    "selection": "condensers.condenser:Condenser",
    "network": "condensers.networks.base:NetworkSpec",
    "parameterisation": "condensers.parts.parameterisations.base:StorageForm",
    "refiner": "condensers.parts.refiners.base:Refiner",
    "label model": "condensers.parts.labels:LabelModel",
    "view": "condensers.parts.views.base:View",
    "sampler": "condensers.parts.samplers:Sampler",
    "augmentation": "condensers.parts.augmentations.base:Augmentation",
    "objective": "condensers.parts.objectives.base:Objective",
    "regulariser": "condensers.parts.regularisers.base:Regulariser",
    "kernel": "condensers.parts.objectives.kernels.base:KernelSpec",
    "model schedule": "condensers.parts.model_schedules.base:ModelSchedule",
    "curriculum": "condensers.parts.curricula:Curriculum",
    "stop rule": "condensers.parts.stopping:StopRule",
}

# Kind -> prefix -> what gives the class of PREFIX:NAME, names that a package of others knows.
FAMILIES = {"network": {"timm": "condensers.networks.timm_models:spec_class"}}
