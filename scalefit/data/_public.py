"""The public data sets: where each comes from, at which commit, under which licence."""

from ._data_set import DataFile, DataSet


def _raw(repo: str, commit: str, path: str) -> str:
    return f"https://raw.githubusercontent.com/{repo}/{commit}/{path}"


_EPOCH = ("epoch-research/analyzing-chinchilla", "92258837425e1b5f2851d624287f0120583a3d0e")
_QQT = ("locuslab/scaling_laws_data_filtering", "cf5ced18734f16fafd09f0b12a3ca7ed0752b35a")
_DATABLATIONS = ("huggingface/datablations", "13701315b163f1c54642b94ad237b2699187c3ee")
_NOTEBOOK = "extracted from the printed output of the upstream notebook utils/parametric_fit.ipynb"
_PORIAN = ("formll/resolving-scaling-law-discrepancies", "0dc60d91b8a525858a3067fc9e4a46ff5374cc6f")
_XLSTM = ("NX-AI/xlstm_scaling_laws", "604bb3062d3a7681bb33e467108cb0a6f81267fc")
_GADRE = ("mlfoundations/scaling", "a003c4913793ac2ae7ef87b28ecb562955d026d5")
_OLMO = ("allenai/OLMo-ladder", "67a3f440f787d020da35e3ca8eeae475fae754f5")
_GEMSTONES = ("mcleish7/gemstone-scaling-laws", "5f420478f6057b0cbb4d13405fb10ca64675bccb")
_ISOFLOPS = ("Open-Athena/scaling-law-analysis", "3e0656ee3dce1a2c89aa67691920f5eb9d30f0fc")
_PICKLES = "converted from the upstream pickles"

SETS = (
    DataSet(
        "epoch-chinchilla",
        "245 language models (N, C, loss) digitised from Figure 4 of the Chinchilla paper",
        *_EPOCH,
        licence="none stated",
        citation="2404.10102",
        files=(
            DataFile(
                "svg_extracted_data.csv",
                "193478df4e90f040016431996c45682659306840ecdadf83cfb9cd5ca0aa1b30",
                23224,
                _raw(*_EPOCH, "data/svg_extracted_data.csv"),
            ),
        ),
        columns={"N": "Model Size", "C": "Training FLOP", "loss": "loss"},
    ),
    DataSet(
        "datablations",
        "language models trained on repeated data (N, D, U, loss): the 182 of the published fit; all_runs.csv has 296",
        *_DATABLATIONS,
        licence="Apache-2.0",
        citation="2305.16264",
        files=(
            DataFile(
                "fit_182_runs.csv",
                "4912a3f860d00e47ee564e53ca427856020cf96568e88e5aaf4b26c2919dc3c4",
                9939,
                None,
                _NOTEBOOK,
            ),
            DataFile(
                "all_runs.csv",
                "d5c4c24eae686a0f92b33a0407aa751f255182f968db4cc49a6adabfa852a1d7",
                16227,
                None,
                _NOTEBOOK,
            ),
        ),
        columns={"N": "params", "D": "tokens", "U": "unique_tokens", "loss": "loss"},
    ),
    DataSet(
        "qqt",
        "fitted utilities and half-lives of five T-MARS pools (ImageNet-1k), and errors derived from them",
        *_QQT,
        licence="none stated",
        citation="2404.07177",
        files=(
            DataFile(
                "parameter_values.jsonl",
                "a7548617c341ca6c317d8ddf0ab108b9b268a8480e1b04ab7ff6fc65d6b6e943",
                921,
                _raw(*_QQT, "results/parameter_values.jsonl"),
            ),
            DataFile(
                "derived_predictions.csv",
                "13c92200902fff426899ca71c619ebc53200d37bca265b264aa3712f91ea406a",
                3263,
                None,
                "computed from the published parameters with the upstream formulas",
            ),
        ),
    ),
    DataSet(
        "porian",
        "isoFLOP sweeps in 15 settings, from that of Kaplan to that of Chinchilla (N, D, C, loss); published exponents",
        *_PORIAN,
        licence="MIT",
        citation="2406.19146",
        files=(
            DataFile(
                "isoflop_points.csv",
                "b421d2c75c11a1bef69e61aaca49104c14cf9b40b7fab953533a3585bbff9866",
                184857,
                None,
                _PICKLES,
            ),
            DataFile(
                "optimal_pairs.csv",
                "7a4ad302019e60f835b3d182e3831108696b4e8636ff64c8f234386c3e4ae373",
                37299,
                None,
                _PICKLES,
            ),
            DataFile(
                "published_exponents.csv",
                "987f37837b2d69178faf1a8a2b17dd20ec25cd1863e907b1e283fab1e97168ca",
                8145,
                None,
                _PICKLES,
            ),
        ),
        columns={"N": "params", "D": "tokens", "C": "flops", "loss": "loss"},
    ),
    DataSet(
        "xlstm",
        "isoFLOP runs of Llama-like transformers and xLSTM at three context lengths (N, D, C, loss)",
        *_XLSTM,
        licence="none stated",
        citation="2510.02228",
        files=(
            DataFile(
                "isoflop_runs.csv",
                "f9de22eeb02343aa48d275ee302ae784d41dc7ee399b6f26b11a21b026454ce0",
                146129,
                None,
                _PICKLES,
            ),
        ),
        columns={"N": "num_params", "D": "num_tokens_training", "C": "num_flops_training", "loss": "val/.dclm_loss"},
    ),
    DataSet(
        "gadre-overtraining",
        "69 language models with 5 to 640 tokens a parameter (N, D), their losses and downstream errors",
        *_GADRE,
        licence="MIT",
        citation="2403.08540",
        files=(
            DataFile(
                "models_c4_rw.csv",
                "8e971a5626c4ca593a3795b38f4a1be3ea7b72c5f1a121bd7bc7de524911eef9",
                97981,
                None,
                "flattened from the upstream JSON files",
            ),
        ),
        columns={"N": "params", "D": "tokens", "loss": "loss_c4_val"},
    ),
    DataSet(
        "olmo-ladder",
        "checkpoints of 16 small OLMo-2 runs and two large ones: losses and accuracies of tasks; published forecasts",
        *_OLMO,
        licence="Apache-2.0",
        citation="2412.04403",
        files=(
            DataFile(
                "ladder-runs/190M-10xC.csv",
                "192b115c3f02b6503043280f8303c59f5b10897cd631f1b8ec6aea944d22faa6",
                138595,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/190M-10xC.csv"),
            ),
            DataFile(
                "ladder-runs/190M-1xC.csv",
                "8ac0066547d5edec4d05d2b861a26c7faf591eef6971e11acba2450a45e69c27",
                72623,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/190M-1xC.csv"),
            ),
            DataFile(
                "ladder-runs/190M-2xC.csv",
                "db90c75f8d031d0754e7108f1a8d16f372603e0c04d2cb00cca08cf272ecf86a",
                138785,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/190M-2xC.csv"),
            ),
            DataFile(
                "ladder-runs/190M-5xC.csv",
                "aefe54fa03bd158d6da178b1eb2ece88cb0681bb32403845b6e544ae9e4e5dcf",
                138730,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/190M-5xC.csv"),
            ),
            DataFile(
                "ladder-runs/1B-10xC.csv",
                "ec7e7487c67a774d9b919ec35121966ded7ae2ce5ede135f1d32f509f451476f",
                304153,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/1B-10xC.csv"),
            ),
            DataFile(
                "ladder-runs/1B-1xC.csv",
                "7fe91f0552829238e591e55c03f66b743ac5931388d9710457a845d92c2d9102",
                155315,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/1B-1xC.csv"),
            ),
            DataFile(
                "ladder-runs/1B-2xC.csv",
                "34ba12a08a52e10e89a71d88a5c13538c3df21e5e993c476cadb08eb4b2eb354",
                304176,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/1B-2xC.csv"),
            ),
            DataFile(
                "ladder-runs/1B-5xC.csv",
                "d195153f05b846f6d4f8ca95247d1f79d9d00e898d856b244b17e20431539ddb",
                304281,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/1B-5xC.csv"),
            ),
            DataFile(
                "ladder-runs/370M-10xC.csv",
                "3f25b4ec4035caeb71b787d165857667779dc3b92739c6379b8f8ce7079fcb58",
                179157,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/370M-10xC.csv"),
            ),
            DataFile(
                "ladder-runs/370M-1xC.csv",
                "3597a61872596affbb61e83f36c7cc3fe43485c3ed30ba6d658064b57edcea07",
                92786,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/370M-1xC.csv"),
            ),
            DataFile(
                "ladder-runs/370M-2xC.csv",
                "73c686e580ad0600ca12334bf22ab3dad3265583a948e3beaae5b79b9a20c137",
                179086,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/370M-2xC.csv"),
            ),
            DataFile(
                "ladder-runs/370M-5xC.csv",
                "199905d322b0332b69f1d0a40de9be43e5eb3cf576fc1d3031578cdea09708fa",
                179197,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/370M-5xC.csv"),
            ),
            DataFile(
                "ladder-runs/760M-10xC.csv",
                "e256c9df6d3b7af66bbcf4dc7ca84b45a812bd205b70648ca5177c8b74f6ff40",
                217639,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/760M-10xC.csv"),
            ),
            DataFile(
                "ladder-runs/760M-1xC.csv",
                "a830185275c91cc077379540ec91a71b4bea6f191ca99a8090c851be19e7956d",
                111184,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/760M-1xC.csv"),
            ),
            DataFile(
                "ladder-runs/760M-2xC.csv",
                "8c1ad2bf7da390b9eed24af7b6eb12a6393cc077164d51b4e4740f7221f1193c",
                217886,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/760M-2xC.csv"),
            ),
            DataFile(
                "ladder-runs/760M-5xC.csv",
                "9c08b58d2625f427253bbd2079bad3a90726a66486154dd4f82ef84560e275ec",
                217850,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/760M-5xC.csv"),
            ),
            DataFile(
                "ladder-runs/peteish13_eval_final.csv",
                "8cbdd4c2818b05ff30476a9bd4ecae620da89193ca61183bc2d61e111a9d0059",
                31350,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/peteish13_eval_final.csv"),
            ),
            DataFile(
                "ladder-runs/peteish7_eval_anneal.csv",
                "0742d6c113aa0f9c789cf9e5745678fc6f30eb9b873a1f98068fc6f6522c85df",
                7802,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/peteish7_eval_anneal.csv"),
            ),
            DataFile(
                "published/chained_main.csv",
                "62984273d7e0a2f8068771e4f4578deb9dd451e5fc93a1647fffd489efab0572",
                647,
                _raw(*_OLMO, "src/scripts/paper/figures/chained_main.csv"),
            ),
            DataFile(
                "published/final.json",
                "3fcb831b03e9761ab1be750f89c7a6b8832fda09c491d80bec8593ec9e08d1c8",
                2260,
                _raw(*_OLMO, "src/scripts/paper/configs/final.json"),
            ),
            DataFile(
                "published/step1_c4_main.csv",
                "c5524eb7bfc4a510a76b6e00a2c4d4a2ad6aeeb50bd7deee02d617f177607aff",
                834,
                _raw(*_OLMO, "src/scripts/paper/figures/step1_c4_main.csv"),
            ),
            DataFile(
                "published/step1_main.csv",
                "e689f6f427ca0abab58d07f642bfef10d49354011a290bab264bb7e373a6b224",
                828,
                _raw(*_OLMO, "src/scripts/paper/figures/step1_main.csv"),
            ),
            DataFile(
                "published/step2_main.csv",
                "4e20ac222cc6273d139fd1e8c121333129102977f170dcd0798836d9e1ee190f",
                657,
                _raw(*_OLMO, "src/scripts/paper/figures/step2_main.csv"),
            ),
        ),
        columns={"D": "throughput/total_tokens", "step": "_step", "loss": "eval/c4_en-validation/CrossEntropyLoss"},
    ),
    DataSet(
        "gemstones",
        "checkpoints of 22 transformers of many widths and depths (N, D, loss), also cooled down and at half the rate",
        *_GEMSTONES,
        licence="MIT",
        citation="2502.06857",
        files=(
            DataFile(
                "wandb_df_for_fitting_hot.jsonl",
                "655467b59c99383403d6f73f5b7f23c02aea3f12935dc110382d8a8b43a0ff5d",
                44590,
                _raw(*_GEMSTONES, "wandb_dfs/wandb_df_for_fitting_hot.jsonl"),
            ),
            DataFile(
                "wandb_df_for_fitting_cool_begin.jsonl",
                "0e9991b2e0f694f7e01b4c49debd28b5075c1aff993344f753ebca96341b9510",
                40323,
                _raw(*_GEMSTONES, "wandb_dfs/wandb_df_for_fitting_cool_begin.jsonl"),
            ),
            DataFile(
                "wandb_df_for_fitting_cool_end.jsonl",
                "bdf01b6b21bafc414218124a6f9e195cee07f3d69ceacbfae2fcf069d34f4e61",
                40376,
                _raw(*_GEMSTONES, "wandb_dfs/wandb_df_for_fitting_cool_end.jsonl"),
            ),
            DataFile(
                "wandb_df_for_fitting_hot_100b+.jsonl",
                "1da97ce3d1394e0223826c8f5ca081cb0fb289ec65d2707fb5430721e92e9659",
                156808,
                _raw(*_GEMSTONES, "wandb_dfs/wandb_df_for_fitting_hot_100b+.jsonl"),
            ),
            DataFile(
                "wandb_df_for_fitting_hot_100b+_512x.jsonl",
                "e8f81466f7f858eeb90b20d5ed3fc9f084a14b661cf07602fba1c1a02a9a5c03",
                35470,
                _raw(*_GEMSTONES, "wandb_dfs/wandb_df_for_fitting_hot_100b+_512x.jsonl"),
            ),
            DataFile(
                "wandb_df_for_fitting_hot_120b+_only.jsonl",
                "0b7bf892572ab01fce4688d0bb962c1bf782052d9ce3a8a723c61796ba0293a2",
                107731,
                _raw(*_GEMSTONES, "wandb_dfs/wandb_df_for_fitting_hot_120b+_only.jsonl"),
            ),
            DataFile(
                "wandb_df_for_fitting_hot_sampled_like_chinchilla.jsonl",
                "cd77120b51cb60621bddafc2291e7f301dcb7610092ccc37ced802e5fd887cd1",
                5516,
                _raw(*_GEMSTONES, "wandb_dfs/wandb_df_for_fitting_hot_sampled_like_chinchilla.jsonl"),
            ),
            DataFile(
                "wandb_df_for_fitting_lr_ablation_hot.jsonl",
                "acb4468e5fcba4f01bdf9584ccbaa513e9cece68f8daf46e452a867f355483ac",
                41939,
                _raw(*_GEMSTONES, "wandb_dfs/wandb_df_for_fitting_lr_ablation_hot.jsonl"),
            ),
            DataFile(
                "wandb_df_for_fitting_lr_ablation_hot_sampled_like_chinchilla.jsonl",
                "c6cfd2d3dbdcd6170ed79b748a1302d091c00ec4a2064bcde15b5e44593dc5f8",
                5443,
                _raw(*_GEMSTONES, "wandb_dfs/wandb_df_for_fitting_lr_ablation_hot_sampled_like_chinchilla.jsonl"),
            ),
            DataFile(
                "wandb_df_for_fitting_lr_ablation_slim_chinchilla.jsonl",
                "df96baef7018bd02d4f7c2274c949e98d09968c941efe87a41349e9c687ca8bd",
                3473,
                _raw(*_GEMSTONES, "wandb_dfs/wandb_df_for_fitting_lr_ablation_slim_chinchilla.jsonl"),
            ),
            DataFile(
                "wandb_df_for_fitting_slim_chinchilla.jsonl",
                "38cd9dba89a7c9e25c5959cf67817522264e8db4921f8deeab15e0ffdc386f8d",
                3604,
                _raw(*_GEMSTONES, "wandb_dfs/wandb_df_for_fitting_slim_chinchilla.jsonl"),
            ),
            DataFile(
                "fineweb_dclm_losses_combined.jsonl",
                "98c0f1762a59650086ed35b151d70e3a92ad5dd49d78e1f743d85a9b17b70da6",
                146340,
                _raw(*_GEMSTONES, "benchmarks/fineweb_dclm_losses_combined.jsonl"),
            ),
            DataFile(
                "fineweb_edu_losses_combined.jsonl",
                "03285285a54b54e90800e2a5097affb988cac6f6c6a2f5e79f31dd5136a96457",
                146352,
                _raw(*_GEMSTONES, "benchmarks/fineweb_edu_losses_combined.jsonl"),
            ),
            DataFile(
                "our_val_loss_data.json",
                "6d3f5d014c895d4e8eeede2a9431c4fe53c428104cc4250e4fedd53394f8e204",
                1853,
                _raw(*_GEMSTONES, "data/our_val_loss_data.json"),
            ),
            DataFile(
                "published_fits.csv",
                "05ba14ffa073fdc1d1639650d65c0a4303ab6394c916a58ddf3a4cc261ca2214",
                10543,
                None,
                "collected from the upstream JSON results",
            ),
        ),
        columns={"N": "params_active_precise", "D": "tokens", "loss": "final_loss"},
        notes=(
            "N counts embeddings, of a vocabulary of 50304",
            "the rows of one run_name are checkpoints of one training: resample trainings, not rows",
            "the slim_chinchilla files are points of epoch-chinchilla and have no trainings",
            "hot, at a constant rate, ends at 100B tokens, hot_100b+ at 350B; cool_begin and cool_end are the two ends "
            "of cooldowns, lr_ablation has half the rate",
            "B and beta are nearly collinear; of the published fits with a Huber knee of 1e-4 several are not optima",
            "published_fits.csv and our_val_loss_data.json are tables: read them with load_table",
        ),
    ),
    DataSet(
        "isoflops-collection",
        "isoFLOP sweeps of four sources in one form (N, D, loss): Marin on three corpora, two digitised Chinchillas",
        *_ISOFLOPS,
        licence="none stated",
        citation="2603.22339",
        files=(
            DataFile(
                "marin_202603.isoflops.csv",
                "f2c307ac8152f0df9b2be720bfc5958fdc54688de152e3294cec12da34cfa7f2",
                31162,
                _raw(*_ISOFLOPS, "data/isoflops/extract/marin_202603/isoflops.csv"),
            ),
            DataFile(
                "epochai_chinchilla.isoflops.csv",
                "80688eb2f47e41a3f3e37d094a00d29b3fb3a9fd2f4107125e60e9521fed81e7",
                18925,
                _raw(*_ISOFLOPS, "data/isoflops/extract/epochai_chinchilla/isoflops.csv"),
            ),
            DataFile(
                "misfitting.isoflops.csv",
                "f35291c4c7a8770b0dc174757a8ba377080023c4be7a46fdf8e13d812917a8f9",
                26942,
                _raw(*_ISOFLOPS, "data/isoflops/extract/misfitting/isoflops.csv"),
            ),
            DataFile(
                "ml_scalefit.isoflops.csv",
                "e9eecba2c7f93050254e577b970495e3ef36db84a39f06fe220b576578e84199",
                18059,
                _raw(*_ISOFLOPS, "data/isoflops/extract/ml_scalefit/isoflops.csv"),
            ),
        ),
        columns={"N": "params", "D": "tokens", "loss": "loss"},
        notes=(
            "budget is a label of the compute in FLOP and not 6 N D, which is 0.93 to 1.35 of it in marin_202603 and "
            "within 10% of it in ml_scalefit: say by='budget', groups='experiment'",
            "epochai_chinchilla and ml_scalefit are two digitisations of one figure: they disagree slightly, and "
            "repeat sizes to one part in a million, at times with another loss",
            "the loss of marin_202603 is the macro average of Paloma",
        ),
    ),
)
