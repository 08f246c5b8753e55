"""Every field of a run, with its meaning and unit. The other configs override these.

Scales: `paper` (GPU or TPU, sizes as the paper's), `cpu` (two cores, a 32x32 generator) and
`smoke` (two minutes on two cores, to see whether everything runs).
"""

from ml_collections import ConfigDict

SCALES = ("paper", "cpu", "smoke")
# Values of config.seed whose results on the paper's data sets were watched while this program was
# developed.
WATCHED_SEEDS = tuple(range(9))


def get_config(scale: str = "paper") -> ConfigDict:
    """Returns the fields at one scale, for no data set in particular."""
    if scale not in SCALES:
        raise ValueError(f"scale {scale!r} is unknown; choose one of {', '.join(SCALES)}")
    config = _paper()
    if scale == "cpu":
        _to_cpu(config)
    if scale == "smoke":
        _to_smoke(config)
    config.scale = scale
    return config


def _paper() -> ConfigDict:
    config = ConfigDict()
    config.scale = "paper"  # Name of this scale: for the report, and to warn of paper on a CPU.
    # paper: what the paper fixes is done its way, whatever is set here; own: all is as set here.
    config.protocol = "own"
    # Virtual devices that share the cores where JAX runs on a CPU; 0: one per core. Two train the
    # generator faster than one (docs/measurements.md).
    config.cpu_devices = 2
    # Master seed: moves the seeds of all blocks (split, generator, images, classifiers, tune,
    # explain) by 100,000 times this number. A replicate of a run is the same command with another
    # one in a workdir of its own; --stages=pool puts replicates together.
    config.seed = 0
    # Whether trainings also write the numbers of metrics.jsonl to tensorboard/, for TensorBoard.
    config.tensorboard = True

    config.data = ConfigDict()
    # leukemia | brain_tumor_mri | sarscov2_ct | folder | medmnist | phantom
    config.data.name = "folder"
    # Folder of the images, or its parent (or .npz), also s3:// or gs://; may change between runs.
    config.data.dir = ""
    config.data.variant = "Original"  # Leukemia's folder: Original | Segmented.
    config.data.image_size = 128  # Side of what the generator makes, pixels.
    config.data.channels = 1  # 1 (MRI, CT) or 3 (microscopy).
    config.data.square = "pad"  # How an image becomes square: pad | crop | stretch.
    config.data.cache_dir = ""  # Prepared images; "": ~/.cache/synthmed_jax.
    config.data.phantom_images = 500  # Phantoms per class, if name is phantom.
    config.data.phantom_seed = 0
    # Which files of the folder are images of which class; docs/data.md has examples. Lists are
    # written with commas.
    config.data.table = ""  # Table of labels (.csv, .tsv): file,label[,patient]; "": class folders.
    config.data.columns = ""  # Its columns by other names, "file=image_id,label=dx"; "": found.
    config.data.classes = ""  # Classes that are wanted, "benign,malignant"; "": all.
    config.data.parts = ""  # Folders that each hold the class folders, "train,test"; "": none.
    config.data.exclude = ""  # Files that are no images of the set, "*_mask*,*/masks/*"; "": none.
    config.data.keep_masks = False  # Whether masks beside their images count as images.
    config.data.conflicts = "refuse"  # Same content under two labels: refuse | drop | keep.
    # How images of more than 8 bits become grey levels, and how many slices a stack gives.
    config.data.window = ""  # Values of black and white, "-160,240"; "": found | dicom: per file.
    config.data.slices = ""  # Of stacks: first | middle | all | every:K[:AXIS]; "": refuse stacks.
    config.data.max_pixels = 89_478_485  # Larger files are left out.

    config.split = ConfigDict()
    config.split.fraction = 0.2  # Share of each class that becomes fit + val, rounded up.
    config.split.val_fraction = 0.1  # Share of fit + val that becomes val; 0.0: no val.
    config.split.counts = (
        ""  # Explicit fit + val counts, "glioma=325,meningioma=330"; "": fraction.
    )
    # Which images belong together: near_duplicates (those that are alike, unless data.table names
    # patients or files hold several images) | none | regular expression over the file name, as
    # of patients | CSV file of patients | dicom:<field> | blocks:<n> (files with neighbouring
    # numbers). A group is never divided: not by the split into parts, and not by the folds of the
    # real arm.
    config.split.group_by = "near_duplicates"
    # near_duplicates | twins: images of equal pixels alone. The search for near-duplicates compares
    # each image with every other one: on a CPU, 100,000 take a quarter of an hour, a million a day.
    config.split.look_for = "near_duplicates"
    config.split.seed = 0

    config.diffusion = ConfigDict()
    config.diffusion.conditioning = (
        "class"  # class: one model that is told the class | per_class: one model per class.
    )
    config.diffusion.noise_schedule = "linear"  # linear | cosine | sigmoid
    config.diffusion.zero_terminal_snr = False  # The last step is pure noise; impossible with eps.
    config.diffusion.num_steps = 1000  # T, from 2.
    # Of the schedule's noise over the image; 2: what 1 is at half the side.
    config.diffusion.noise_scale = 1.0
    config.diffusion.prediction = "eps"  # What the network predicts: eps | x0 | v.
    config.diffusion.flips = "none"  # Augmentation: none | horizontal | dihedral (no up or down).
    config.diffusion.shift = 0  # Augmentation: largest shift, pixels.
    # Augmentation: probability of a warp (small shifts, turns, changes of scale and aspect). The
    # network is told of it, so that synthetic images show no warps.
    config.diffusion.warp = 0.0

    config.diffusion.unet = ConfigDict()
    config.diffusion.unet.channels = 128  # Width of the first level.
    config.diffusion.unet.multipliers = (1, 1, 2, 3, 4)  # Width of each level, times `channels`.
    config.diffusion.unet.blocks = 2  # Residual blocks per level.
    # Sides of the levels with self-attention, pixels; a side that no level has is refused.
    config.diffusion.unet.attention = (16,)
    config.diffusion.unet.patch = 1  # Side of the squares folded into channels, pixels.
    config.diffusion.unet.dropout = 0.1  # Rate inside residual blocks.
    config.diffusion.unet.dtype = "float32"  # float32 | bfloat16 (faster on GPU and TPU).
    config.diffusion.unet.middle_attention = True  # Self-attention in the middle as well.
    config.diffusion.unet.embedding = "scale_shift"  # Of step and class: scale_shift | add.

    config.diffusion.train = ConfigDict()
    config.diffusion.train.steps = 100_000  # Optimiser steps at most; per_class: per model.
    config.diffusion.train.batch_size = 64  # Images per step, over all devices.
    config.diffusion.train.accumulate = 1  # Parts of a device's batch, one after the other.
    config.diffusion.train.learning_rate = 1e-4  # Peak of Adam's rate.
    config.diffusion.train.warmup_steps = 1000
    # Half-lives of the weights' moving averages, steps; val chooses among them.
    config.diffusion.train.ema_half_lives = (2000, 7000)
    config.diffusion.train.clip_norm = 1.0  # Largest global norm of the gradient.
    config.diffusion.train.weighting = "simple"  # Of the losses at different t: simple | min_snr.
    config.diffusion.train.timesteps = "uniform"  # How t is drawn: uniform | stratified.
    config.diffusion.train.label_dropout = 0.0  # Share of labels hidden; guidance needs about 0.1.
    config.diffusion.train.log_every = 100  # Steps between two records of the loss.
    config.diffusion.train.val_every = 2000  # Steps between two validations on val.
    # Training stops after so many validations in a row without a lower loss, if samples also come
    # nearer to the training images; 0: never.
    config.diffusion.train.patience = 5
    config.diffusion.train.save_minutes = 5.0  # Minutes between two checkpoints.
    # Weights stay every so many steps, a multiple of val_every, and the audit says how copies and
    # attacks came about; 0: none stay but the best.
    config.diffusion.train.keep_every = 0
    config.diffusion.train.seed = 0

    config.generate = ConfigDict()
    config.generate.per_class = 1000  # Images per class; more can be added later.
    # Whether more are drawn of each class where an arm takes more of one: mixed_1to4 takes four for
    # each image of fit. Otherwise such a run is refused.
    config.generate.enough_for_arms = False
    # Other numbers of images of single classes, "glioma=2000,notumor=500"; "": per_class of all.
    config.generate.counts = ""
    # copies: a second set, filtered/, without the images that look like copies of training images,
    # filled up to the same numbers; the arm synthetic_filtered learns from it. off_class: without
    # those that a classifier of real images takes for another class, which makes the set easier and
    # may make it narrower. copies,off_class: without both. none: no such set.
    config.generate.filter = "none"
    # off_class leaves an image out where the classifier gives its class less than it gives all but
    # this share of the class's real images, 0.0 to below 0.5.
    config.generate.off_class_share = 0.01
    config.generate.sampler = "ddpm"  # ddpm | ddpm_beta | ddim | dpm_solver_pp | heun
    config.generate.steps = 1000  # Sampling steps, 1..T.
    config.generate.spacing = "time"  # Of those steps over 0..T-1, even in: time | log_snr.
    config.generate.eta = 0.0  # Share of fresh noise in ddim's steps, 0.0 to 1.0.
    config.generate.threshold = "clip"  # Keeps images in range: none | clip | dynamic.
    config.generate.guidance = 1.0  # Weight of classifier-free guidance; 1.0: none.
    config.generate.guidance_low = 0.0  # Guidance acts from this share of T ...
    config.generate.guidance_high = 1.0  # ... to below this one.
    config.generate.block = 128  # Images per compiled call; a partial block is redone.
    config.generate.seed = 0

    config.audit = ConfigDict()  # How far synthetic images can be told from real ones.
    # Most images of a set in one comparison, all classes together; more give narrower intervals.
    config.audit.images = 1000
    config.audit.seed = 0  # Of draws of images, forests and networks.
    # A network that learned elsewhere, for further features: imagenet (torchvision's) | path of a
    # state dict, never of a network that has seen these images; "": none. It may be named later. It
    # describes up to six times config.audit.images at 224 pixels: minutes on a CPU.
    config.audit.weights = ""
    config.audit.backbone = "resnet18"  # That network, one of the eight.
    # Finished workdirs of other master seeds, /runs/s1,/runs/s2: their generators say how hard an
    # image is for who has not learned it, which makes the attack on membership by loss stronger.
    config.audit.references = ""

    config.classifier = ConfigDict()
    config.classifier.backbones = ("resnet18",)
    config.classifier.backbone = ""  # One network, instead of `backbones`; "": none.
    # Training sets. synthetic; real: fit; real_augmented: fit, with more augmentation (see
    # `augmented`); mixed_1to1, mixed_1to4: fit and as many, or four times as many,
    # synthetic images; synthetic_filtered: what config.generate.filter leaves. Two controls:
    # real_repeated: fit, each image twice; synthetic_shuffled: synthetic images with shuffled
    # labels, which must come out at chance.
    config.classifier.arms = (
        "synthetic", "real", "real_augmented", "mixed_1to1", "mixed_1to4", "real_repeated",
        "synthetic_shuffled",
    )  # fmt: skip
    # Further cells of the arm synthetic, of fewer images per class, for a curve: 50,200,800.
    config.classifier.amounts = ()
    config.classifier.image_size = 224  # Side that the networks see, pixels.
    config.classifier.small_images = False  # A stem that keeps every pixel, for about 32 pixels.
    # What training starts from: random | imagenet (torchvision's) | path of a state dict.
    config.classifier.weights = "random"
    # Whether GoogLeNet shifts and scales images to mean 0.5 and deviation 0.5, as torchvision's
    # weights of it expect: auto (with those weights) | yes | no (weights trained without).
    config.classifier.transform_input = "auto"
    config.classifier.dtype = "float32"  # float32 | bfloat16 (faster on GPU and TPU).
    config.classifier.batch_size = 64
    # Optimiser steps of every training, whatever its arm: arms are compared after equal budgets.
    # 0: an epoch is one pass over the training set, and min_steps and patience apply.
    config.classifier.steps = 4000
    # Validations; the epoch of the lowest loss gives the weights. Where steps are given, they are
    # divided into so many equal epochs.
    config.classifier.max_epochs = 50
    # Where steps is 0: least steps in max_epochs; smaller training sets are passed several times.
    config.classifier.min_steps = 0
    # Epochs without a lower validation loss before the stop; 0: never.
    config.classifier.patience = 0
    # Images of the validation loss: val (the real images that the generator did not learn from) |
    # synthetic (those of the arm's training set that the fold leaves out, as in the paper).
    config.classifier.selection = "val"
    config.classifier.learning_rate = 3e-4  # Peak of AdamW's rate.
    # Of that rate after one epoch of warm-up: cosine | constant.
    config.classifier.rate_schedule = "cosine"
    config.classifier.label_smoothing = 0.0  # Share of a label that is spread over all classes.
    config.classifier.weight_decay = 0.01  # Of AdamW.
    config.classifier.seeds = 3  # Trainings of every cell on its whole training set; 0: folds.
    config.classifier.folds = 5  # k of the stratified cross-validation, where seeds is 0.
    config.classifier.flips = "none"  # none | horizontal | dihedral
    config.classifier.shift = 8  # Largest shift, pixels.
    # Arms whose images are also warped, and flipped and shifted as far as the generator's are: all
    # (but real and real_repeated) | real_augmented (alone). With all, arms differ by their images.
    config.classifier.augmented = "all"
    config.classifier.warp = 0.5  # Probability of a warp in those arms.
    config.classifier.seed = 0

    config.sweep = ConfigDict()  # --stages=features,sweep; no part of the main chain.
    # Candidates are compared by their distance to val, which the generator has not learned.
    # Each is sampler:steps; the others are compared with the first. On the command line each one is
    # in quotes: --config.sweep.candidates="'ddpm_beta:256','heun:10'". In so few steps `ddpm` would
    # be a poor yardstick: its images differ too little from each other.
    config.sweep.candidates = (
        "ddpm_beta:256", "ddim:20", "ddim:50", "dpm_solver_pp:10", "dpm_solver_pp:20", "heun:10",
    )  # fmt: skip
    config.sweep.per_class = 400  # Images per class and set.
    config.sweep.seeds = 3  # Sets per candidate.

    config.tune = ConfigDict()  # --stages=tune; no part of the main chain.
    # Trials are judged on val, which the generator has not learned; the best loss is no test.
    config.tune.target = "classifier"  # What is searched: classifier | diffusion.
    config.tune.search = "tpe"  # tpe | random | grid
    config.tune.trials = 20  # Of each of classifier.arms, where classifiers are searched.
    config.tune.steps = 10_000  # Optimiser steps of each trial's generator (diffusion).
    config.tune.per_class = 400  # Images per class that each trial draws (diffusion).
    config.tune.seed = 0

    config.evaluate = ConfigDict()
    # Loss of balanced accuracy, share of 1, up to which synthetic images count as good enough to
    # stand in for real ones. It is to be chosen before the results are known.
    config.evaluate.margin = 0.02
    # "": none; or a folder of other real images, one folder per class, such as another hospital's.
    # Networks are tested on them as on the held-out images. It may be given after a run.
    config.evaluate.external_dir = ""
    # "": its folders have the names of the classes; or which folder each class of the run has
    # there, "covid=COVID-19,normal=healthy", "-" for none.
    config.evaluate.external_classes = ""

    config.pool = ConfigDict()  # --stages=pool; no part of the main chain.
    # Finished workdirs of the same run under several config.seed, or what --stages=record wrote of
    # them: "/runs/s0,/runs/s1,/runs/s2.json".
    config.pool.workdirs = ""
    # Values of config.seed whose results were watched while settings were chosen, "0,7"; "": none.
    # They are shown, and left out of what is said over seeds.
    config.pool.development_seeds = "0"

    config.compare = ConfigDict()  # --stages=compare; no part of the main chain.
    # Finished workdirs of any runs, which are set side by side, "/runs/cpu,/runs/paper".
    config.compare.workdirs = ""

    config.predict = ConfigDict()  # --stages=predict; no part of the main chain.
    config.predict.dir = ""  # Folder of new images, whose class is not known.
    config.predict.arm = "synthetic"  # The arm whose best network by validation answers.
    # Images whose answer is explained in a picture, globs of paths or names, "*" for all; "": none.
    config.predict.explain = ""

    config.explain = ConfigDict()
    config.explain.arm = "synthetic"  # The arm whose best network by validation is explained.
    config.explain.engine = "jax"  # jax (this project's LIME) | lime (the package of that name).
    config.explain.num_samples = 1000  # Perturbed images per explanation, at most.
    # An explanation stops once the standard errors of the regions that its picture marks (root mean
    # square of up to five) are at most this share of its largest weight; 0: it takes num_samples.
    config.explain.precision = 0.1
    # How regions are switched on and off: balanced | antithetic | bernoulli (as the package does).
    config.explain.sampling = "balanced"
    # logistic (a control variate: the same weights from fewer perturbed images) | none.
    config.explain.control = "logistic"
    config.explain.segmentation = "slic"  # slic | quickshift | felzenszwalb | grid
    config.explain.regions = 55  # Regions per image, about.
    config.explain.seed = 0
    # Images per class behind the numbers about explanations: so many real, so many synthetic.
    config.explain.images = 20
    config.explain.repeats = 3  # Explanations per image, each with a seed of its own.
    config.explain.compare_with_lime = False  # The package explains the pictured images too.
    config.explain.batch_size = 64  # Images per call of the network.
    return config


def _to_cpu(config: ConfigDict) -> None:
    """Two cores: 32x32, a network of three million parameters, one to four hours in all.

    Batches are small, because in a fixed time more steps help more than larger batches. In two
    minutes on ALL the validation loss came to 0.16 with batches of 16, to 0.26 with 32 (the same
    network) and to 0.37 with 64 (a network of half the width).

    The preset was developed while watching seed 0's results. Figures below of "real fit + val
    images" are of images nine tenths of which the generator had learned: they are too high.
    """
    config.data.image_size = 32
    config.diffusion.noise_schedule = "cosine"
    config.diffusion.prediction = "v"
    config.diffusion.unet.update(
        channels=64, multipliers=(1, 2), blocks=1, attention=(), patch=2, dropout=0.0
    )
    config.diffusion.train.update(
        steps=15_500,
        batch_size=16,
        learning_rate=1e-3,
        warmup_steps=100,
        ema_half_lives=(500, 1500),
        timesteps="stratified",
        label_dropout=0.1,
        val_every=1000,
    )
    # On ALL a ResNet-18 that was trained on 1600 synthetic images got 94.5 % of the real fit + val
    # images right if they were drawn without guidance, 95.7 % with it.
    config.generate.update(
        per_class=800,
        sampler="dpm_solver_pp",
        steps=15,
        # Even in time, the last step would start from the noise of 15 grey levels, and the
        # network's estimate from there has lost its fine texture (docs/measurements.md).
        spacing="log_snr",
        guidance=1.5,
        block=100,
    )
    config.tune.update(steps=1500, per_class=100)
    config.classifier.update(
        # The size of the synthetic images. On ALL, networks that saw 48 pixels got 92 % of the real
        # fit + val images right after 400 steps; those that saw 32 got 90 %, from half as many
        # pixels.
        image_size=32,
        batch_size=32,
        steps=1600,
        max_epochs=20,
        # Chosen inside fit (benchmarks/real_against_floors.py): at a rate of 3e-4, with a decay of
        # 0.01 and no smoothing, the real arms of CT were behind the best forest.
        learning_rate=1e-3,
        weight_decay=0.1,
        label_smoothing=0.1,
        shift=2,
    )


def _to_smoke(config: ConfigDict) -> None:
    """Every stage once, as small as possible; the results mean nothing."""
    _to_cpu(config)
    config.data.image_size = 16
    config.data.phantom_images = 40
    config.diffusion.num_steps = 50
    config.diffusion.unet.update(channels=16, multipliers=(1, 2), blocks=1)
    config.diffusion.train.update(
        steps=20, batch_size=8, warmup_steps=5, ema_half_lives=(5,), log_every=5, val_every=10
    )
    config.generate.update(per_class=8, steps=10, block=4)
    # Mixed arms would need more images of most data sets than are drawn here.
    config.classifier.arms = ("synthetic", "real", "real_augmented", "synthetic_shuffled")
    config.classifier.update(
        image_size=32, batch_size=8, steps=2, max_epochs=1, seeds=2, folds=2, shift=1
    )
    config.sweep.update(candidates=("ddpm_beta:10", "dpm_solver_pp:5"), per_class=20, seeds=2)
    config.tune.update(trials=3, steps=10, per_class=10)
    config.explain.update(
        num_samples=40, regions=12, images=2, repeats=2, compare_with_lime=True, batch_size=20
    )
