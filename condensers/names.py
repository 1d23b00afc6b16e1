"""Where each built-in part is: name -> "module:Name", a table for each kind. Listing them imports nothing."""

METHODS = {
    "dc": "condensers.methods.dc:DC",
    "dsa": "condensers.methods.dsa:DSA",
    "masked-dc": "condensers.methods.masked_dc:MaskedDC",
    "masked-dsa": "condensers.methods.masked_dsa:MaskedDSA",
    "dm": "condensers.methods.dm:DM",
    "dm-fast": "condensers.methods.dm_fast:DMFast",
    "semantic": "condensers.methods.semantic:Semantic",
    "kfs": "condensers.methods.kfs:KFS",
    "kip": "condensers.methods.kip:KIP",
    "rfad": "condensers.methods.rfad:RFAD",
    "frepo": "condensers.methods.frepo:FRePo",
    "cafe": "condensers.methods.cafe:CAFE",
    "datadam": "condensers.methods.datadam:DataDAM",
    "idm": "condensers.methods.idm:IDM",
    "dcc": "condensers.methods.dcc:DCC",
    "idc": "condensers.methods.idc:IDC",
    "dream": "condensers.methods.dream:DREAM",
    "dd": "condensers.methods.dd:DD",
    "mtt": "condensers.methods.mtt:MTT",
    "tesla": "condensers.methods.tesla:TESLA",
}
SELECTIONS = {
    "random": "condensers.selections.random:Random",
    "herding": "condensers.selections.herding:Herding",
    "k-center": "condensers.selections.k_center:KCenter",
    "k-means": "condensers.selections.k_means:KMeans",
    "k-means-centroids": "condensers.selections.k_means_centroids:KMeansCentroids",
    "forgetting": "condensers.selections.forgetting:Forgetting",
    "el2n": "condensers.selections.el2n:EL2N",
    "grand": "condensers.selections.grand:GraNd",
    "margin": "condensers.selections.margin:Margin",
    "real-tiles": "condensers.selections.real_tiles:RealTiles",
    "real-jpeg": "condensers.selections.real_files:RealJPEG",
    "real-png": "condensers.selections.real_files:RealPNG",
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
    "shrunk": "condensers.networks.shrunk:ShrunkSpec",
    "any-of": "condensers.networks.any_of:AnyOfSpec",
}
PARAMETERISATIONS = {
    "pixels": "condensers.parameterisations.pixels:Pixels",
    "tiles": "condensers.parameterisations.tiles:Tiles",
    "latent": "condensers.parameterisations.latent:Latent",
    "jpeg": "condensers.parameterisations.jpeg:JPEG",
    "compressed": "condensers.parameterisations.compressed:Compressed",
}
LABELS = {
    "hard": "condensers.labels.hard:Hard",
    "teacher": "condensers.labels.teacher:Teacher",
    "learned": "condensers.labels.learned:LearnedLabels",
}
VIEWS = {
    "identity": "condensers.views.identity:Identity",
    "mask": "condensers.views.mask:Mask",
    "attention": "condensers.views.attention:Attention",
    "saliency": "condensers.views.saliency:Saliency",
    "background": "condensers.views.background:Background",
    "semantic-mix": "condensers.views.semantic_mix:SemanticMix",
}
SAMPLERS = {
    "random": "condensers.samplers.random:Random",
    "k-means": "condensers.samplers.k_means:KMeans",
    "stratified": "condensers.samplers.stratified:Stratified",
}
AUGMENTATIONS = {
    "none": "condensers.augmentations.siamese:NoAugmentation",
    "dsa": "condensers.augmentations.siamese:Siamese",
}
OBJECTIVES = {
    "gradient": "condensers.objectives.gradient:GradientMatching",
    "mean-embedding": "condensers.objectives.distribution:MeanEmbedding",
    "kernel-regression": "condensers.objectives.kernel_regression:KernelRegression",
    "layer-means": "condensers.objectives.features:LayerMeans",
    "attention": "condensers.objectives.attention:AttentionMatching",
    "summed-gradient": "condensers.objectives.summed_gradient:SummedGradient",
    "trajectory": "condensers.objectives.trajectory:Trajectory",
    "unrolled": "condensers.objectives.unrolled:Unrolled",
}
REGULARISERS = {
    "discriminative": "condensers.regularisers.discriminative:Discriminative",
    "cross-entropy": "condensers.regularisers.cross_entropy:CrossEntropy",
    "contrastive": "condensers.regularisers.contrastive:Contrastive",
    "simclr": "condensers.regularisers.simclr:SimCLR",
    "diversity": "condensers.regularisers.diversity:Diversity",
}
KERNELS = {
    "fc_ntk": "condensers.kernels.fc_ntk:FullyConnectedNTK",
    "conv_ntk": "condensers.kernels.conv_ntk:ConvolutionalNTK",
    "rf_nngp": "condensers.kernels.rf_nngp:RandomFeatureNNGP",
    "features": "condensers.kernels.features:Features",
}
SCHEDULES = {
    "fresh": "condensers.schedules.fresh:Fresh",
    "cached": "condensers.schedules.cached:Cached",
    "none": "condensers.schedules.no_network:NoNetwork",
    "pool": "condensers.schedules.pool:Pool",
    "trained-on-synthetic": "condensers.schedules.trained_on_synthetic:TrainedOnSynthetic",
    "trained-on-real": "condensers.schedules.trained_on_real:TrainedOnReal",
    "gated": "condensers.schedules.gated:Gated",
    "queue": "condensers.schedules.queue:Queue",
    "experts": "condensers.schedules.experts:Experts",
}
STOPS = {
    "never": "condensers.stopping.never:Never",
    "validation": "condensers.stopping.validation:Validation",
}
